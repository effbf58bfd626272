"""A page as a parser that is not ours reads it."""
import html.parser


class Markup(html.parser.HTMLParser):
    """Tags with their attributes in their order, comments and declarations among them, all text, and what stands in scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.words, self.inside = [], [], {"script": "", "style": ""}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag):
        self.tags.append(("/" + tag, []))

    def handle_comment(self, data):
        self.tags.append(("!--", data))

    def handle_decl(self, decl):
        self.tags.append(("!", decl))

    def unknown_decl(self, data):
        self.tags.append(("![", data))

    def handle_pi(self, data):
        self.tags.append(("?", data))

    def handle_data(self, data):
        if self.cdata_elem:
            self.inside[self.cdata_elem] += data
        else:
            self.words.append(data)
