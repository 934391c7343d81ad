/**
 * The look of the page. All colours are variables, so that the charts, which stand in the page as SVG, follow light,
 * dark and print without being drawn twice. Text colours keep a contrast of 4.5 or more on both surfaces (tested).
 */
export const palette = {
  light: {
    page: '#f7f6f3',
    surface: '#ffffff',
    ink: '#22262e',
    muted: '#5d636e',
    line: '#e2dfd8',
    track: '#efede8',
    accent: '#2b5f8f',
    'accent-soft': '#d5e2ee',
    second: '#a65f14',
    worry: '#8f4a0a',
    'worry-soft': '#fbf0e1',
  },
  dark: {
    page: '#14161a',
    surface: '#1c1f25',
    ink: '#e6e5e1',
    muted: '#a2a8b3',
    line: '#31353e',
    track: '#2a2e36',
    accent: '#85b5e3',
    'accent-soft': '#293f55',
    second: '#dfa35c',
    worry: '#e8b170',
    'worry-soft': '#33291c',
  },
} as const;

function variables(colours: Readonly<Record<string, string>>): string {
  return Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');
}

export const styleSheet = `
:root{color-scheme:light dark;${variables(palette.light)}}
@media (prefers-color-scheme:dark){:root{${variables(palette.dark)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
main,header,footer{max-width:1160px;margin:0 auto;padding:0 20px}
header{padding-top:44px}
h1,h2,h3,h4,p,figure,ul,dl,dd{margin:0}
h1{font-size:32px;line-height:1.2;font-weight:600;letter-spacing:-.015em}
h2{font-size:23px;line-height:1.25;font-weight:600;letter-spacing:-.01em}
h3{font-size:16px;font-weight:600;margin:28px 0 4px}
h4{font-size:15px;font-weight:600;line-height:1.35}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:3px}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
section{margin-top:44px;padding-top:26px;border-top:1px solid var(--line)}
.brand{color:var(--muted);font-size:13px;letter-spacing:.04em;margin-bottom:6px}
.meta{display:flex;flex-wrap:wrap;gap:6px 28px;margin-top:16px;font-size:14px}
.meta div{display:flex;gap:8px}
.meta dt,.muted{color:var(--muted)}
.day{white-space:nowrap}
.intro{max-width:72ch;margin-top:8px}
#lists>.intro{max-width:110ch}
nav{margin-top:24px;font-size:14px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 22px;list-style:none;padding:0}
nav a{display:inline-block;padding:4px 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,150px),1fr));background:var(--surface);border:1px solid var(--line);border-radius:10px;overflow:hidden;margin-top:26px}
.tile{border:solid var(--line);border-width:0 1px 1px 0;margin:0 -1px -1px 0;padding:16px 18px;display:grid;grid-row:span 3;grid-template-rows:subgrid;row-gap:0}
.tile .name{font-size:13px;color:var(--muted)}
.tile .value{font-size:26px;line-height:1.25;font-weight:600;letter-spacing:-.01em;font-variant-numeric:tabular-nums;white-space:nowrap}
.tile .note{font-size:13px;line-height:1.45;color:var(--muted);margin-top:2px}
.tile .note.bad{color:var(--worry)}
.notice{background:var(--worry-soft);border-left:3px solid var(--worry);border-radius:0 8px 8px 0;padding:12px 16px;margin-top:18px;max-width:90ch}
.notice ul{padding-left:18px;margin-top:4px}
.notice b{color:var(--worry)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:20px}
.grid.below{margin-top:14px}
.card{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:18px;min-width:0}
.card .lead{font-size:14px;color:var(--muted);font-variant-numeric:tabular-nums}
.card figcaption{font-size:13.5px;line-height:1.5;color:var(--muted);margin-top:10px}
.card figcaption p+p{margin-top:6px}
.worry b{color:var(--worry);font-weight:600}
.nothing{color:var(--muted);font-size:14px;padding:24px 0}
.card ul{padding-left:18px;font-size:14px;margin-top:10px}
.card li+li{margin-top:4px}
.chart{display:block;width:100%;max-width:440px;height:auto;margin-top:10px;color:var(--muted);font-family:inherit;font-size:12px;font-variant-numeric:tabular-nums;overflow:visible}
.keys{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px;margin-top:10px}
.keys+.chart{margin-top:2px}
.key{display:inline-flex;align-items:center;gap:7px}
.swatch{display:inline-block;width:18px;border-top:2.5px solid var(--accent)}
.swatch.second{border-color:var(--second)}
.swatch.dashed{border-top:2px dashed var(--muted)}
.swatch.thin{border-top:1px solid var(--muted)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
.caption{color:var(--muted);font-size:13.5px;padding-bottom:8px}
td code{display:block;min-width:15ch;overflow-wrap:anywhere}
table{overflow-wrap:break-word}
th,td{padding:7px 18px 7px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th:last-child,td:last-child{padding-right:0}
th{font-weight:600}
tbody th{font-weight:500}
thead th{color:var(--muted);font-weight:500;font-size:13px}
.num{text-align:right}
tfoot td,tfoot th{font-weight:600;border-bottom:0}
.card.wide{margin-top:20px}
.card h4+.caption{padding-top:4px}
details .card.wide{max-width:none}
.advice{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,7fr);gap:6px 36px;border-top:1px solid var(--line);margin-top:22px;padding-top:18px}
.advice h3{margin:0 0 4px}
.advice .intro{margin-top:0}
.advice .scroll{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:2px 16px}
.advice th,.advice td{padding-top:5px;padding-bottom:5px}
.advice tbody tr:last-child>*{border-bottom:0}
.advice tbody th{white-space:nowrap}
.basis{font-size:13.5px;margin-top:10px;max-width:80ch}
.interval{white-space:nowrap;display:block;font-size:12.5px}
.pair{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
section>.card{margin-top:18px}
.confusion th,.confusion td{padding:10px;border:0;text-align:center;vertical-align:middle;white-space:normal}
.confusion{margin-top:12px;border-spacing:3px;border-collapse:separate}
.confusion tbody td{background:var(--track);border-radius:6px}
.confusion td.right{background:var(--accent-soft)}
.confusion td b{display:block;font-size:18px;font-weight:600}
.confusion td span{font-size:12.5px;color:var(--ink)}
.confusion th{font-weight:500;font-size:13px;color:var(--muted)}
details{margin-top:20px}
summary{cursor:pointer;font-size:14px;color:var(--accent);padding:4px 0;width:fit-content}
details .card{margin-top:12px}
footer{margin-top:64px;padding-top:18px;padding-bottom:44px;color:var(--muted);font-size:13px}
@media (max-width:1080px){
.tiles{grid-template-columns:repeat(3,minmax(0,1fr))}
.advice{grid-template-columns:minmax(0,1fr)}
}
@media (max-width:560px){
main,header,footer{padding-left:14px;padding-right:14px}
header{padding-top:26px}
h1{font-size:26px}
section{margin-top:40px}
.card{padding:16px 14px}
table{font-size:13px}
th,td{padding-right:9px}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.tile{padding:12px 14px}
.advice .scroll{padding:2px 8px}
.advice table{font-size:12.5px}
.advice thead th{font-size:12px}
.advice th,.advice td{padding-right:6px}
.tile .value{font-size:21px}
.meta{display:grid;gap:2px}
}
@media print{
:root{color-scheme:light;${variables(palette.light)};--page:#ffffff}
@page{margin:14mm}
body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav,details{display:none}
header{padding-top:0}
main,header,footer{max-width:none;padding-left:0;padding-right:0}
section{margin-top:24px}
.grid{grid-template-columns:repeat(2,1fr);gap:12px}
.card,.tile,tr{break-inside:avoid}
h2,h3,h4{break-after:avoid}
.scroll{overflow:visible}
}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
`;
