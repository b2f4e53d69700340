/* The report as one page: no script, no network, light and dark, on telephones and on paper. */
#include "pipelines/report/page.h"

#include "pipelines/report/report.h"

#include <stdlib.h>

/* Blue and orange can be told apart with any eyes (Okabe and Ito's palette, lighter at night). */
static const char style[] =
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--muted:#59636e;--line:#d1d9e0;"
    "--soft:#f3f5f7;--before:#c05600;--after:#0067a8;--good:#156f3c;--bad:#b3261e}"
    "@media(prefers-color-scheme:dark){"
    ":root{--fg:#e6edf3;--bg:#0e1116;--muted:#9aa4af;--line:#343b44;--soft:#181d24;"
    "--before:#f0a04b;--after:#6cb6ff;--good:#57c27f;--bad:#ff7b72}}*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:76rem;"
    "color:var(--fg);background:var(--bg)}h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}"
    "h2{font-size:1.2rem;margin:2.2rem 0 .4rem;padding-top:.6rem;"
    "border-top:1px solid var(--line)}h3{font-size:1rem;margin:1.2rem 0 .2rem}"
    ".verdict{font-size:1.15rem;padding:.7rem 1rem;background:var(--soft);"
    "border-left:4px solid var(--after);margin:1rem 0}.wide{overflow-x:auto}"
    ".small,small,figcaption span{color:var(--muted)}.small,small{font-size:.85rem}"
    "table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}"
    "td,th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid var(--line);"
    "vertical-align:top}td:first-child,th:first-child,td.words,th.words{text-align:left}"
    "td small{display:block;white-space:nowrap}th{font-weight:600}.good{color:var(--good)}"
    ".bad{color:var(--bad)}"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));"
    "gap:1rem 1.5rem}.charts>*{max-width:30rem;min-width:0}"
    "svg{width:100%;height:auto;display:block;overflow:visible}"
    "svg text{font:11px system-ui,sans-serif;fill:currentColor}svg text.name{font-weight:600}"
    "svg .grid{stroke:var(--line);stroke-width:.7;fill:none}"
    "svg .axis{stroke:currentColor;fill:none}.before{fill:var(--before)}"
    ".after{fill:var(--after)}.other{fill:var(--muted)}"
    "svg .line{fill:none;stroke-width:1.6;stroke:var(--muted)}"
    "svg .line.before{stroke:var(--before)}svg .line.after{stroke:var(--after)}"
    "svg .dropped{fill:none;stroke:var(--bad);stroke-width:1.8}"
    "svg .outline{fill:none;stroke:var(--muted);stroke-width:1}"
    "svg .heat{fill:var(--bad);stroke:var(--line)}svg .edge{stroke:var(--bg);stroke-width:.4}"
    "details{margin:.4rem 0}"
    ".key{display:inline-flex;align-items:center;gap:.4rem;margin-right:1.2rem}"
    ".key i{width:.9rem;height:.9rem;border-radius:2px;background:var(--before)}"
    ".key i.a{background:var(--after)}figure{margin:1.2rem 0}"
    "figcaption{font-weight:600;overflow-wrap:anywhere}figcaption span{font-weight:400}"
    ".frames{display:grid;gap:.5rem;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))}"
    "@media(min-width:64rem){"
    ".frames{grid-template:auto auto/1fr 1fr 1fr;grid-auto-flow:column}}"
    ".frames img{width:100%;height:auto;display:block}.frames div{font-size:.85rem}"
    "pre{background:var(--soft);padding:.7rem;white-space:pre-wrap;overflow-wrap:anywhere;"
    "font-size:.85rem}code{overflow-wrap:anywhere}h1,th{overflow-wrap:anywhere}"
    "th{min-width:5rem}"
    "@media(max-width:40rem){"
    "td,th{padding:.2rem .35rem;font-size:.85rem}td small{font-size:.7rem;white-space:normal}}"
    "@media print{"
    ":root{color-scheme:light;--fg:#000;--bg:#fff;--muted:#444;--line:#bbb;--soft:#f3f3f3;"
    "--before:#c05600;--after:#0067a8;--good:#156f3c;--bad:#b3261e}"
    "body{font-size:10.5pt;padding:0;max-width:none}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "figure,svg,tr{break-inside:avoid}h2,h3,h2+p,h3+p{break-after:avoid}.wide{overflow:visible}"
    ".frames{grid-template:auto auto/1fr 1fr 1fr;grid-auto-flow:column}"
    "td,th{padding:.15rem .4rem}}";

void page_begin(text *t, const char *title)
{
    text_add(t, "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
                "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>");
    text_escaped(t, title);
    text_add(t, "</title><style>%s</style></head><body>\n", style);
}

void page_end(text *t)
{
    text_add(t, "</body></html>\n");
}

void page_legend(text *t, const char *before, const char *after)
{
    text_add(t, "<p class=small><span class=key><i></i>");
    text_escaped(t, before);
    text_add(t, "</span><span class=key><i class=a></i>");
    text_escaped(t, after);
    text_add(t, "</span></p>");
}

char *report_page(prune_context *ctx, const char *folder, const json_t *report)
{
    text t = {0};
    char *verdict = report_verdict(report);
    const char *title = report_word(report, "title");
    page_begin(&t, *title ? title : "Before and after");
    text_add(&t, "<h1>");
    text_escaped(&t, *title ? title : report_word(report, "architecture"));
    text_add(&t, "%s</h1>\n", *title ? "" : ", before and after");
    if (verdict && *verdict) {
        text_add(&t, "<p class=verdict>");
        text_escaped(&t, verdict);
        text_add(&t, "</p>\n");
    }
    free(verdict);
    page_comparison(&t, report);
    page_curves(&t, report);
    page_frames(&t, ctx, folder, report);
    page_analysis(&t, report);
    page_network(&t, report);
    page_precision(&t, report);
    page_origin(&t, report);
    page_end(&t);
    return text_take(&t);
}
