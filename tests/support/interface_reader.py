"""A reader of the Varlink interface language and a judge of values against it: it shares no line with the daemon's."""
import re

TOKEN = re.compile(r"\s+|#[^\n]*|(->|[A-Za-z][A-Za-z0-9_.\-]*|\[\]|\[string\]|[():,?])")
PLAIN = {"bool": lambda v: isinstance(v, bool), "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
         "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool), "string": lambda v: isinstance(v, str),
         "object": lambda v: isinstance(v, dict)}


class Interface:
    """types, methods {name: (in, out)}, errors {name: fields}; a structure is {"field": type}, other types are tuples ("array", type) or names."""

    def __init__(self, text):
        self.tokens = [t for t in TOKEN.findall(text) if t]
        self.at = 0
        self.take("interface")
        self.name = self.take()
        self.types, self.methods, self.errors = {}, {}, {}
        while self.at < len(self.tokens):
            what, name = self.take(), self.take()
            if what == "method":
                into = self.structure()
                self.take("->")
                self.methods[name] = (into, self.structure())
            else:
                {"type": self.types, "error": self.errors}[what][name] = self.structure()

    def take(self, wanted=None):
        token = self.tokens[self.at]
        if wanted is not None and token != wanted:
            raise ValueError(f"'{token}' where '{wanted}' should be")
        self.at += 1
        return token

    def structure(self):
        fields = {}
        self.take("(")
        while self.tokens[self.at] != ")":
            name = self.take()
            self.take(":")
            fields[name] = self.type()
            if self.tokens[self.at] == ",":
                self.take(",")
        self.take(")")
        return fields

    def type(self):
        token = self.tokens[self.at]
        if token == "(":
            return self.structure()
        self.take()
        if token == "?":
            return ("nullable", self.type())
        if token == "[]":
            return ("array", self.type())
        if token == "[string]":
            return ("map", self.type())
        return token

    def misfit(self, kind, value, where="value"):
        """None, or where and why the value is not of this type. Every member must be there, and no other."""
        if isinstance(kind, dict):
            if not isinstance(value, dict) or set(kind) != set(value):
                return f"{where}: members are not {sorted(kind)}"
            return next((bad for n in kind if (bad := self.misfit(kind[n], value[n], f"{where}.{n}"))), None)
        if isinstance(kind, tuple):
            how, inner = kind
            if how == "nullable":
                return None if value is None else self.misfit(inner, value, where)
            if not isinstance(value, list if how == "array" else dict):
                return f"{where}: no {how}"
            parts = enumerate(value) if how == "array" else value.items()
            return next((bad for n, v in parts if (bad := self.misfit(inner, v, f"{where}[{n}]"))), None)
        if kind in PLAIN:
            return None if PLAIN[kind](value) else f"{where}: {value!r} is no {kind}"
        return self.misfit(self.types[kind], value, where)


def reply_misfit(interfaces, method, reply):
    """None, or what is wrong with a reply to this method, by {name: Interface}."""
    extra = set(reply) - {"parameters", "continues", "error"}
    if extra:
        return f"members {extra}"
    parameters = reply.get("parameters", {})
    if "error" in reply:
        interface, _, name = reply["error"].rpartition(".")
        if interface not in interfaces or name not in interfaces[interface].errors:
            return f"undeclared error {reply['error']}"
        return interfaces[interface].misfit(interfaces[interface].errors[name], parameters)
    interface, _, name = method.rpartition(".")
    if interface not in interfaces or name not in interfaces[interface].methods:
        return f"'{method}' was answered"
    return interfaces[interface].misfit(interfaces[interface].methods[name][1], parameters)
