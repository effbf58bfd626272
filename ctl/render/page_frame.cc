#include "ctl/render/page_frame.h"

#include <fmt/format.h>

namespace bkmon::ctl {

namespace {

// SHA-256 of kPageScript and of kStyle, in base64: a test computes both again. Styles of single elements are not allowed either.
constexpr std::string_view kScriptHash = "oBZV5saDSS/1Rb25c2zQYmajR4g3YQ8EYLauTzm/24w=";
constexpr std::string_view kStyleHash = "dpS9gHdXpPEAxFB9JOm8H6I0SVtZdnlId4B2zVN/i5o=";

// Each status is a colour and a word, or a colour and a height: never a colour alone.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;--head:#f6f8fa;--good:#116329;--warning:#7d4e00;--critical:#a40e26;--unknown:#6639ba;
--fgood:#2da44e;--fwarning:#d4a72c;--fcritical:#cf222e;--funknown:#8250df}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--soft:#9198a1;--line:#30363d;--head:#161b22;--good:#56d364;--warning:#e3b341;--critical:#ff7b72;--unknown:#d2a8ff;
--fgood:#2ea043;--fwarning:#d29922;--fcritical:#f85149;--funknown:#a371f7}}
*{box-sizing:border-box}
body{font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;margin:0 auto;padding:1.2rem;max-width:90rem;color:var(--fg);background:var(--bg)}
h1{font-size:1.5rem;margin:0 0 .3rem}
h2{font-size:1.1rem;margin:1.8rem 0 .5rem}
p{margin:.2rem 0}
.soft{color:var(--soft)}
.tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:1rem 0 0;padding:0;list-style:none}
.tiles li{border:1px solid var(--line);border-left-width:.35rem;border-radius:.4rem;padding:.4rem .9rem;min-width:7rem}
.tiles b{display:block;font-size:1.6rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tiles .good{border-left-color:var(--fgood)}.tiles .warning{border-left-color:var(--fwarning)}
.tiles .critical{border-left-color:var(--fcritical)}.tiles .unknown{border-left-color:var(--funknown)}
.g{color:var(--good)}.w{color:var(--warning)}.c{color:var(--critical);font-weight:600}.u{color:var(--unknown)}
svg .g{fill:var(--fgood)}svg .w{fill:var(--fwarning)}svg .c{fill:var(--fcritical)}svg .u{fill:var(--funknown)}
svg.days{display:block;width:100%;height:9rem;border-bottom:1px solid var(--line)}
.few{max-width:20rem}
.axis{display:flex;white-space:nowrap;justify-content:space-between;gap:1rem;font-size:.85rem;margin:0 0 .5rem}
.strip{display:inline-flex;align-items:flex-end;gap:1px;height:1.1em;white-space:nowrap}
.strip i{width:4px;height:35%;background:var(--line)}
.strip .g{background:var(--fgood)}.strip .w{background:var(--fwarning);height:70%}
.strip .c{background:var(--fcritical);height:100%}.strip .u{background:var(--funknown);height:70%}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th{background:var(--head);white-space:nowrap}
td{overflow-wrap:anywhere;min-width:4rem}
td.t,td.y{min-width:15rem}td.f{min-width:9rem}
td.n,td.d,td.s{white-space:nowrap;overflow-wrap:normal}
td.n{text-align:right;font-variant-numeric:tabular-nums}
th button{font:inherit;font-weight:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
.more{font:inherit;color:inherit;background:var(--head);border:1px solid var(--line);border-radius:.4rem;padding:.3rem .8rem;margin:.6rem 0;cursor:pointer}
th[aria-sort=ascending] button::after{content:" \25B2"}
th[aria-sort=descending] button::after{content:" \25BC"}
input[type=search]{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:.4rem;padding:.25rem .6rem;margin:0 0 .5rem;width:100%;max-width:22rem}
summary{cursor:pointer}
@media(max-width:64rem){.least{display:none}td.t{min-width:12rem}.strip i{width:3px}}
@media(max-width:45rem){body{padding:.7rem}.tiles li{flex:1 1 40%}table{font-size:.85rem}th,td{padding:.25rem .25rem}td.t{min-width:6rem}td.y{min-width:8rem}.less{display:none}
.strip{gap:0}.strip i{width:2px}}
@media print{:root{--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--head:#eee;--good:#116329;--warning:#7d4e00;--critical:#a40e26;--unknown:#6639ba;--fgood:#2da44e;--fwarning:#d4a72c;--fcritical:#cf222e;--funknown:#8250df}
body{font-size:10pt;max-width:none;padding:0}input,.noprint{display:none}tr,svg,li{break-inside:avoid}thead{display:table-header-group}.wide{overflow:visible}
svg *,.strip i,.tiles li{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";

}  // namespace

const std::string_view kPageScript = R"js(
(function () {
'use strict';
var STEP = 300;  // rows that are shown at once: thousands take seconds to lay out
function value(cell) {
  var v = cell ? cell.getAttribute('data-v') : '';
  if (v === null) v = cell.textContent;
  return v !== '' && !isNaN(v) ? Number(v) : v.toLowerCase();
}
function compare(a, b) {
  if (typeof a.key === typeof b.key) return a.key < b.key ? -1 : a.key > b.key ? 1 : a.at - b.at;
  return typeof a.key === 'number' ? -1 : 1;
}
function button(text, pressed) {
  var b = document.createElement('button');
  b.type = 'button';
  b.textContent = text;
  b.addEventListener('click', pressed);
  return b;
}
function improve(table) {
  var body = table.tBodies[0], heads = Array.prototype.slice.call(table.tHead.rows[0].cells), shown = STEP, words = '', timer = 0;
  var rows = Array.prototype.map.call(body.rows, function (row) { return {row: row, text: null, key: null, at: 0}; });
  var more = button('', function () { shown += 5 * STEP; show(); });
  function matches(entry) {
    if (entry.text === null) entry.text = entry.row.textContent.toLowerCase();
    return entry.text.indexOf(words) >= 0;
  }
  function show() {
    var found = words ? rows.filter(matches) : rows, part = document.createDocumentFragment();
    found.slice(0, shown).forEach(function (entry) { part.appendChild(entry.row); });
    body.textContent = '';
    body.appendChild(part);
    more.hidden = found.length <= shown;
    more.textContent = 'Show more: there are ' + found.length + ' rows';
  }
  function sort(heading, column) {
    var down = heading.getAttribute('aria-sort') === 'ascending';
    rows.forEach(function (entry, i) { entry.key = value(entry.row.cells[column]); entry.at = i; });
    rows.sort(compare);
    if (down) rows.reverse();
    heads.forEach(function (h) { h.removeAttribute('aria-sort'); });
    heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    show();
  }
  heads.forEach(function (heading, column) {
    var b = button(heading.textContent, function () { sort(heading, column); });
    heading.textContent = '';
    heading.appendChild(b);
  });
  if (rows.length <= 10) return;
  var box = table.parentNode, filter = document.createElement('input');
  filter.type = 'search';
  filter.placeholder = 'Filter';
  filter.setAttribute('aria-label', 'Show only rows with this text');
  filter.addEventListener('input', function () {
    clearTimeout(timer);
    timer = setTimeout(function () { words = filter.value.toLowerCase(); shown = STEP; show(); }, 150);
  });
  box.parentNode.insertBefore(filter, box);
  box.parentNode.insertBefore(more, box.nextSibling);
  more.className = 'more noprint';
  more.hidden = true;
  if (rows.length > shown) show();
  window.addEventListener('beforeprint', function () { shown = rows.length; show(); });
}
document.querySelectorAll('table.sort').forEach(improve);
})();
)js";

std::string page_head(std::string_view title) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none'; "
        "script-src 'sha256-{}'; style-src 'sha256-{}'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" content=\"no-referrer\">\n"
        "<title>{}</title>\n<style>{}</style></head><body>\n",
        kScriptHash, kStyleHash, title, kStyle);
}

std::string page_end() { return fmt::format("<script>{}</script>\n</body></html>\n", kPageScript); }

}  // namespace bkmon::ctl
