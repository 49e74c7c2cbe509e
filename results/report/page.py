"""The style sheet and the script of the report: one page, light and dark, without anything from a network."""

from __future__ import annotations

from results.plots.architecture import block_colors
from results.plots.theme import DARK, LIGHT, Theme


def _variables(look: Theme) -> str:
    fills = "".join(f"--block-{name}:{color};" for name, color in block_colors(look).items())
    return (
        f"--paper:{look.paper};--ink:{look.ink};--muted:{look.muted};--grid:{look.grid};--dot:{look.order[2]};"
        f"--front:{look.front};--line:{look.knee};{fills}"
    )


def style() -> str:
    """The whole style sheet of the report. The reader's system chooses light or dark until the button does."""
    light, dark = (
        f"color-scheme:{name};{_variables(look)}" for name, look in (("light", LIGHT), ("dark", DARK))
    )
    buttons = f":root[data-theme=light]{{{light}}}:root[data-theme=dark]{{{dark}}}"
    return f"{chart_style()}{buttons}{_PAGE_RULES}"


def chart_style() -> str:
    """The colours by the reader's system, and the rules for what ``results.report.sections`` makes."""
    light, dark = f"color-scheme:light;{_variables(LIGHT)}", f"color-scheme:dark;{_variables(DARK)}"
    fills = "".join(f".block-{n}{{fill:var(--block-{n})}}" for n in block_colors(LIGHT))
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{fills}{_CHART_RULES}"


_CHART_RULES = """
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(135px,1fr));gap:10px;margin:22px 0 0}
.tile{border:1px solid var(--grid);border-radius:8px;padding:10px 14px;min-width:0}
.tile b{display:block;font-size:22px;line-height:1.25;font-weight:650}
.tile span{color:var(--muted);font-size:13px}
.pair{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:24px}
.chart{display:block;width:100%;height:auto}
.narrow{display:none}
svg text{font:12.5px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:var(--ink)}
svg text.small{font-size:11px}svg text.strong{font-weight:600}svg text.muted{fill:var(--muted)}
svg text.name{font-weight:600;fill:var(--front)}
.grid{stroke:var(--grid)}.axis{stroke:var(--muted);fill:none}.rail{stroke:var(--grid)}
.dot{fill:var(--dot);cursor:pointer}
.front{fill:none;stroke:var(--front);stroke-width:2.2}
.noise{fill:none;stroke:var(--ink);stroke-width:1.3;stroke-opacity:.7}
.leader{fill:none;stroke:var(--muted);stroke-width:.7}
.stock{fill:none;stroke:var(--line);stroke-width:2;cursor:pointer}
.line{fill:none;stroke:var(--line);stroke-width:2.2}
.line.train{stroke:var(--muted)}.line.average{stroke:var(--front)}
.ring{fill:none;stroke:var(--ink);stroke-width:1.6}
.member{fill:var(--front);stroke:var(--paper);stroke-width:1.5;cursor:pointer}
.member:focus{outline:none}
.picked,.member:focus-visible{stroke:var(--ink);stroke-width:2.5;fill-opacity:1}
.network{display:block;width:100%;max-width:430px;height:auto;margin-top:8px}
.bars{display:grid;grid-template-columns:minmax(90px,max-content) minmax(60px,1fr) max-content;gap:5px 12px;align-items:center;font-size:14px;margin-top:10px;max-width:820px}
.bars .track{width:100%;height:12px;display:block}
.bars .fill{fill:var(--line)}
.bars .chance{fill:var(--muted);opacity:.55}
.bars .name{overflow-wrap:anywhere}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:6px 0 0}
.legend span{display:inline-flex;align-items:center;gap:6px}
.legend .key{width:10px;height:10px;flex:none}
@media(max-width:820px){
.pair{grid-template-columns:minmax(0,1fr)}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tile b{font-size:19px}
.wide{display:none}.narrow{display:block}
.bars{grid-template-columns:minmax(0,1.4fr) minmax(0,1fr);font-size:13.5px}.bars .best{grid-column:1/-1;margin:-4px 0 4px}
}
"""
_PAGE_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 64px}
header{display:flex;align-items:flex-start;justify-content:space-between;gap:16px}
h1{font-size:26px;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:18px;margin:44px 0 4px}
h3{font-size:15px;margin:0 0 2px}
p{margin:0 0 10px}
.quiet{color:var(--muted);font-size:13.5px}
button{font:inherit;font-size:13px;color:var(--ink);background:none;border:1px solid var(--grid);border-radius:6px;padding:4px 10px;cursor:pointer;white-space:nowrap}
button:hover{border-color:var(--muted)}
.split{display:grid;grid-template-columns:minmax(0,1.65fr) minmax(0,1fr);gap:24px;align-items:start}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:16px;margin-top:10px}
.card{border:1px solid var(--grid);border-radius:8px;padding:14px;min-width:0}
#panel{position:sticky;top:12px;max-height:calc(100vh - 24px);overflow:auto}
.scroll{overflow-x:auto;margin-top:10px}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;width:100%}
th,td{text-align:right;padding:5px 12px 5px 0;border-bottom:1px solid var(--grid);white-space:nowrap}
th{color:var(--muted);font-weight:500}
th:first-child,td:first-child,.words{text-align:left}
.facts td{white-space:normal;overflow-wrap:anywhere;vertical-align:top;text-align:left}
.facts td:first-child{color:var(--muted);white-space:nowrap;width:1%}
pre{background:color-mix(in srgb,var(--grid) 45%,transparent);border-radius:8px;padding:12px 14px;margin:10px 0;overflow-x:auto;font:13px/1.5 ui-monospace,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:8px 0;font-size:14px}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:820px){
main{padding:18px 14px 48px}h1{font-size:21px}h2{margin-top:34px}
.split{grid-template-columns:minmax(0,1fr)}.cards{grid-template-columns:minmax(0,1fr)}
#panel{position:static;max-height:none}
}
@media print{button{display:none}#panel{position:static;max-height:none}}
"""

SCRIPT = """
'use strict';
(function () {
  var root = document.documentElement, data = JSON.parse(document.getElementById('trials').textContent);
  var panel = document.getElementById('panel'), button = document.getElementById('theme');
  button.addEventListener('click', function () {
    var dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  });
  document.querySelectorAll('[data-copy]').forEach(function (copy) {
    copy.addEventListener('click', function () {
      var text = document.getElementById(copy.dataset.copy).textContent;
      if (navigator.clipboard) { navigator.clipboard.writeText(text).then(function () { copy.textContent = 'copied'; }); }
    });
  });
  if (!panel) { return; }
  function element(name, text, style) {
    var made = document.createElement(name);
    if (text !== undefined) { made.textContent = text; }
    if (style) { made.className = style; }
    return made;
  }
  function show(number) {
    var trial = data[number];
    if (!trial) { return; }
    document.querySelectorAll('.picked').forEach(function (mark) { mark.classList.remove('picked'); });
    document.querySelectorAll('[data-n="' + number + '"]').forEach(function (mark) { mark.classList.add('picked'); });
    panel.replaceChildren(element('h3', trial.title));
    var facts = element('dl');
    trial.facts.forEach(function (fact) { facts.append(element('dt', fact[0]), element('dd', fact[1])); });
    panel.append(facts);
    var drawing = document.getElementById('network-' + number);
    if (drawing) { panel.append(drawing.querySelector('svg').cloneNode(true)); return; }
    var list = element('dl');
    (trial.parts || []).forEach(function (part) { list.append(element('dt', part[0]), element('dd', part[1])); });
    panel.append(list);
  }
  ['pointerover', 'focusin', 'click'].forEach(function (event) {
    document.getElementById('front').addEventListener(event, function (happened) {
      var number = happened.target.getAttribute('data-n');
      if (number !== null) { show(number); }
    });
  });
  show(panel.dataset.first);
})();
"""
