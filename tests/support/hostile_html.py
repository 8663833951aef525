# ruff: noqa: E501 - a document reads best on one line
"""Hostile HTML mails, one idea each, for every suite that shows a mail: unit, browser, and the whole gateway.

In a document ``@URL@`` becomes an address at the sink that names the document, ``@TLS@`` the same by https,
``@HOST@`` its bare host and ``@JS@`` a script that leaves a mark on the console. Written from public descriptions of each class.
"""

from dataclasses import dataclass

from tests.support.sink import SINK_DOMAIN

MARK = "hsp-script-ran"
SCRIPT = f"console.log(/{MARK}/.source)"


@dataclass(frozen=True)
class Hostile:
    """`name` is a host label; `harmless_text` must still be readable after cleaning."""

    name: str
    security_class: str
    template: str
    harmless_text: str = ""

    @property
    def html(self) -> str:
        return fill_in(self.name, self.template)


def fill_in(name: str, template: str) -> str:
    host = f"{name}.{SINK_DOMAIN}"
    return (
        template.replace("@URL@", f"http://{host}/x")
        .replace("@TLS@", f"https://{host}/x")
        .replace("@HOST@", host)
        .replace("@JS@", SCRIPT)
    )


_SVG = {
    "onload": '<svg onload="@JS@"></svg>',
    "script": "<svg><script>@JS@</script></svg>",
    "script-href": '<svg><script href="@URL@"></script></svg>',
    "animate-begin": '<svg><animate onbegin="@JS@" attributeName="x" dur="1s"></animate></svg>',
    "set-href": '<svg><a><set attributeName="href" to="javascript:@JS@"/><text y="20">x</text></a></svg>',
    "animate-values": '<svg><a id="a"><animate attributeName="xlink:href" values="javascript:@JS@" /></a></svg>',
    "animate-by": '<svg><image href=""><animate attributeName="href" by="@URL@" dur="1s" fill="freeze"/></image></svg>',
    "set-image": '<svg><image><set attributeName="href" to="@URL@"/></image></svg>',
    "image": '<svg><image href="@URL@" width="9" height="9"/></svg>',
    "image-xlink": '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="@URL@"/></svg>',
    "use": '<svg><use href="@URL@#a"/></svg>',
    "feimage": '<svg><filter id="f"><feImage href="@URL@"/></filter><rect filter="url(#f)" width="9" height="9"/></svg>',
    "funciri": '<svg><rect fill="url(@URL@#a)" mask="url(@URL@#m)" width="9" height="9"/></svg>',
    "style": "<svg><style>@import url(@URL@); rect{fill:url(@URL@#b)}</style><rect width=9 height=9 /></svg>",
    "foreign": '<svg><foreignObject><iframe src="@URL@"></iframe><img src="@URL@" onerror="@JS@"></foreignObject></svg>',
    "cursor": '<svg><rect cursor="url(@URL@),auto" width="99" height="99"/></svg>',
    "math": '<math><mi xlink:href="javascript:@JS@">x</mi><annotation-xml encoding="text/html"><img src="@URL@" onerror="@JS@"></math>',
}
_SCRIPT = {
    "plain": "<script>@JS@</script>",
    "src": "<script src='@URL@'></script>",
    "split": "<scr<script></script>ipt>@JS@</scr</script>ipt>",
    "slash": "<script/x>@JS@</script/x>",
    "upper": "<SCRIPT\n>@JS@</SCRIPT\t>",
    "nul": "<scr\x00ipt>@JS@</scr\x00ipt><img sr\x00c=x onerr\x00or=@JS@>",
    "img-onerror": "<img src=x onerror=@JS@>",
    "img-onerror-slash": '<img/src="x"/onerror="@JS@">',
    "img-backtick": "<img src=`x` onerror=`@JS@`><img src=x onerror=@JS@ x=`>",
    "body-onload": '<body onload="@JS@" onpageshow="@JS@">x</body>',
    "details": '<details open ontoggle="@JS@">x</details>',
    "autofocus": '<input autofocus onfocus="@JS@"><textarea autofocus onfocus="@JS@"></textarea>',
    "tabindex": '<div tabindex=1 id=x autofocus onfocus="@JS@">x</div>',
    "animation": "<style>@keyframes a{from{top:1px}}p{animation:a 1s}</style><p onanimationstart=@JS@>x</p>",
    "iframe-srcdoc": '<iframe srcdoc="<script>@JS@</script>"></iframe>',
    "iframe-js": '<iframe src="javascript:@JS@"></iframe>',
    "object-js": '<object data="javascript:@JS@"></object><embed src="javascript:@JS@">',
    "object-data": '<object data="data:text/html,<script>@JS@</script>"></object>',
    "template": "<template><script>@JS@</script></template><template shadowrootmode=open><img src=x onerror=@JS@></template>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=@JS@>"></noscript>',
    "marquee": '<marquee onstart="@JS@">x</marquee>',
    "video": '<video><source onerror="@JS@"></video><video src=x onerror=@JS@></video><audio src=x onerror=@JS@></audio>',
    "meta-js": '<meta http-equiv="refresh" content="0;url=javascript:@JS@">',
    "meta-csp": "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\"><script>@JS@</script>",
    "isindex": '<form><isindex formaction="javascript:@JS@" type=image src="@URL@"></form>',
    "xml": '<?xml-stylesheet href="javascript:@JS@"?><xml:script xmlns:xml="http://www.w3.org/1999/xhtml">@JS@</xml:script>',
    "import-map": '<link rel=modulepreload href="@URL@"><script type=module>@JS@</script>',
    "comment-conditional": "<!--[if gte IE 4]><script>@JS@</script><![endif]--><!--><script>@JS@</script-->",
    "popover": '<button popovertarget=p>x</button><div id=p popover onbeforetoggle="@JS@">x</div>',
    "content-visibility": '<div style="content-visibility:auto" oncontentvisibilityautostatechange="@JS@">x</div>',
}
_MXSS = {
    "svg-style": '<svg></p><style><a id="</style><img src=x onerror=@JS@>">',
    "math-style": "<math></p><style><!--</style><img src/onerror=@JS@>--></style></math>",
    "mglyph": "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=@JS@></style></mglyph></form>",
    "mtext-table": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=@JS@&gt;">',
    "noembed": "<noembed><p title='</noembed><img src=x onerror=@JS@>'></noembed>",
    "noframes": "<noframes><p title='</noframes><img src=x onerror=@JS@>'></noframes>",
    "xmp": "<xmp><p title='</xmp><img src=x onerror=@JS@>'></xmp>",
    "plaintext": "<p>a<plaintext><img src=x onerror=@JS@>",
    "title": "<title><p title='</title><img src=x onerror=@JS@>'></title>",
    "textarea": "<textarea><p title='</textarea><img src=x onerror=@JS@>'></textarea>",
    "style-title": "<style><p title='</style><img src=x onerror=@JS@>'></style>",
    "select": "<select><template><style><!--</style><img src=x onerror=@JS@>--></style></template></select>",
    "entities": "<p title='&quot;&gt;&lt;img src=x onerror=@JS@&gt;'>&lt;img src=x onerror=@JS@&gt;</p>",
    "double-entities": "<p>&amp;lt;script&amp;gt;@JS@&amp;lt;/script&amp;gt;</p>",
    "table-foster": "<table><a href='<img src=x onerror=@JS@>'><tr><td></a><style><td title='</style><img src=x onerror=@JS@>'>",
    "nested-form": "<form><form><input><p><button><p><b></form><img src=x onerror=@JS@></b>",
    "comment-bang": "<!--!><img src=x onerror=@JS@>--><!-- --!><img src=x onerror=@JS@>-->",
    "cdata": "<svg><![CDATA[</svg><img src=x onerror=@JS@>]]></svg><![CDATA[<img src=x onerror=@JS@>]]>",
    "unclosed-attribute": '<a href="x" title="<b><img src=x onerror=@JS@>',
    "unclosed-comment": "<p>text</p><!-- <img src=x onerror=@JS@>",
    "unclosed-style": "<p>text</p><style>p{background:url(@URL@)",
    "backtick": "<div title='``onmouseover=@JS@'></div><p title=`<img src=x onerror=@JS@>`>",
    "charset": '<meta charset="utf-7">+ADw-script+AD4-@JS@+ADw-/script+AD4-',
    "iso2022": "<meta charset=iso-2022-jp><p title='\x1b$B'><img src=x title='\x1b(B onerror=@JS@ '>",
    "deep-div": "<div>" * 520 + "<svg><style><a title='</style><img src=x onerror=@JS@>'>",
    "deep-span": "<b><p>" * 300 + "<math><style><!--</style><img src=x onerror=@JS@>",
}
_CSS = {
    "attribute-url": '<p style="background:url(@URL@)">text</p>',
    "attribute-url-quotes": "<p style='background-image:url(\"@URL@\")'>text</p>",
    "escape": r'<p style="background:\75\72\6c(@URL@)">text</p><p style="b\61 ckground:u\72l(@URL@)">x</p>',
    "comment": '<p style="background:u/**/rl(@URL@);background:/**/url(@URL@)">text</p>',
    "image-set": "<p style=\"background:image-set('@URL@' 1x);background:-webkit-image-set(url(@URL@) 1x)\">text</p>",
    "cross-fade": "<p style=\"background:cross-fade(url(@URL@),url(@URL@),50%);background:image('@URL@')\">x</p>",
    "var": '<p style="--a:url(@URL@);background:var(--a)">text</p>',
    "var-fallback": '<p style="background:var(--nothing,url(@URL@))">text</p>',
    "attr": '<p title="@URL@" style="background:attr(title type(&lt;url&gt;));background:src(\'@URL@\')">text</p>',
    "list-style": '<ul><li style="list-style:url(@URL@);list-style-image:url(@URL@)">text</li></ul>',
    "cursor": '<p style="cursor:url(@URL@),auto">text</p>',
    "content": '<p style="content:url(@URL@)">text</p>',
    "border-image": '<p style="border:9px solid;border-image:url(@URL@) 9;mask:url(@URL@);mask-image:url(@URL@)">x</p>',
    "filter": '<p style="filter:url(@URL@#f);clip-path:url(@URL@#c);shape-outside:url(@URL@);offset-path:url(@URL@#o)">x</p>',
    "unclosed-url": '<p style="background:url(@URL@">text</p><p style="background:url(\'@URL@">text</p>',
    "unclosed-block": '<p style="color:red;{background:url(@URL@)">text</p><p style="a:b(;background:url(@URL@)">x</p>',
    "expression": '<p style="width:expression(@JS@);behavior:url(@URL@);-moz-binding:url(@URL@#x)">text</p>',
    "import": "<style>@import url(@URL@);@import '@URL@';@import\\0020url(@URL@);</style><p>text</p>",
    "import-layer": "<style>@layer a;@import url(@URL@) layer(a) supports(display:block);</style><p>text</p>",
    "import-charset": "<style>@charset 'x';@import url(@URL@);</style><style><!--@import url(@URL@);--></style>",
    "font-face": "<style>@font-face{font-family:f;src:url(@URL@)}p{font-family:f}</style><p>text</p>",
    "namespace": "<style>@namespace url(@URL@);@supports(display:block){p{background:url(@URL@)}}</style><p>text</p>",
    "media": "<style>@media screen{p{background:url(@URL@)}}@container(width>1px){p{background:url(@URL@)}}</style><p>x",
    "nesting": "<style>div{p{background:url(@URL@)}&{background:url(@URL@)}}</style><div><p>text</p></div>",
    "property": "<style>@property --a{syntax:'<image>';inherits:true;initial-value:url(@URL@)}p{background:var(--a)}</style><p>x",
    "pseudo": "<style>p::before{content:url(@URL@)}p::marker{content:url(@URL@)}body{background:url(@URL@)}</style><p>text</p>",
    "exfil": "<style>a[href^='h']{background:url(@URL@)}</style><a href='http://example.com/'>text</a>",
    "style-escape": "<style>p{color:red}\\3c/style\\3e<img src=x onerror=@JS@></style><p>text</p>",
    "style-close": "<style>p::after{content:'</style><img src=x onerror=@JS@>'}</style><p>text</p>",
    "selector-close": "<style>a[title='</style ><img src=@URL@>'],p{color:red}</style>",
    "string-newline": "<style>p{color:'\n;background:url(@URL@);'}</style><p style=\"color:'\n;background:url(@URL@)\">text</p>",
    "fixed": '<div style="position:fixed;inset:0;z-index:2147483647;background:red">text</div>',
    "absolute-important": '<div style="position:absolute!important;top:-9999px;left:0;width:9999px;height:99999px">text</div>',
    "sheet-fixed": "<style>html,body,div{position:fixed!important;top:-500px!important;z-index:9}</style><div>text</div>",
    "view-transition": "<style>@view-transition{navigation:auto}p{anchor-name:--a;animation:a 1s}</style><p>text</p>",
}
_LOADS = {
    "img": '<img src="@URL@" alt="alternative">',
    "img-tls": '<img src="@TLS@" alt="alternative">',
    "img-relative-protocol": '<img src="//@HOST@/x"><img src="\\\\@HOST@/x"><img src="/\\@HOST@/x"><img src="http:@HOST@/x">',
    "img-spaces": '<img src=" \t\n@URL@"><img src="ht\ntp://@HOST@/x"><img src="&#1;@URL@"><img src="HTTP://@HOST@/x">',
    "image-tag": '<image src="@URL@"><input type=image src="@URL@">',
    "srcset": '<img srcset="@URL@ 1x, @URL@ 2x" sizes="1px"><img src="" srcset="@URL@">',
    "picture": '<picture><source srcset="@URL@"><img src="@URL@"></picture>',
    "lowsrc": '<img lowsrc="@URL@" dynsrc="@URL@" longdesc="@URL@" data-src="@URL@">',
    "background": '<body background="@URL@"><table background="@URL@"><tr background="@URL@"><td background="@URL@">x</table>',
    "video": '<video poster="@URL@" src="@URL@" autoplay preload=auto><track src="@URL@" default></video>',
    "audio": '<audio src="@URL@" autoplay preload=auto></audio><bgsound src="@URL@">',
    "iframe": '<iframe src="@URL@"></iframe><frameset><frame src="@URL@"></frameset><portal src="@URL@"></portal>',
    "fencedframe": '<fencedframe src="@TLS@"></fencedframe><webview src="@URL@"></webview>',
    "object": '<object data="@URL@"><embed src="@URL@"></object><applet archive="@URL@" code=x></applet>',
    "link-css": '<link rel=stylesheet href="@URL@"><link rel="alternate stylesheet" href="@URL@">',
    "link-hints": '<link rel=prefetch href="@URL@"><link rel=preload as=image href="@URL@"><link rel=preconnect href="@URL@">',
    "link-dns": '<link rel=dns-prefetch href="//@HOST@"><meta http-equiv=x-dns-prefetch-control content=on><a href="@URL@">x</a>',
    "link-icon": '<link rel=icon href="@URL@"><link rel=manifest href="@URL@"><link rel=prerender href="@URL@">',
    "link-imagesrcset": '<link rel=preload as=image imagesrcset="@URL@ 1x">',
    "speculation": '<script type=speculationrules>{"prefetch":[{"source":"list","urls":["@URL@"]}]}</script>',
    "meta-refresh": '<meta http-equiv=refresh content="0;url=@URL@">',
    "meta-link": '<meta http-equiv=Link content="<@URL@>; rel=preload; as=image"><meta http-equiv=set-cookie content="a=b">',
    "base": '<base href="@URL@"><img src="logo.png"><a href="page">text</a><base target=_top>',
    "form": '<form id=f action="@URL@"><input name=a value=b><button formaction="@URL@">go</button></form>',
    "html-manifest": '<html manifest="@URL@"><head profile="@URL@"><body>text</body></html>',
    "cite": '<blockquote cite="@URL@">text</blockquote><del cite="@URL@">x</del><q cite="@URL@">y</q>',
    "ping": '<a href="http://example.com/" ping="@URL@" attributionsrc="@URL@">text</a><img attributionsrc="@URL@">',
    "usemap": '<img usemap="#m"><map name=m><area href="javascript:@JS@" shape=default ping="@URL@"></map>',
    "cid-like": '<img src="cid:@URL@"><img src="cid:&quot; onerror=&quot;@JS@"><img src="cid:x&quot;><script>@JS@</script>">',
    "placeholder": '<img src="hspref:0-0"><img src="hspref:@URL@"><p style="background:url(hspref:0-1)">text</p>',
    "data": '<img src="data:image/svg+xml,<svg xmlns=%22http://www.w3.org/2000/svg%22><image href=%22@URL@%22/></svg>">',
    "outlook-vml": '<!--[if gte mso 9]><v:rect><v:fill src="@URL@"/></v:rect><![endif]--><v:image src="@URL@"/>text',
}
_LINKS = {
    "javascript": '<a id=x href="javascript:@JS@">text</a><a href="JaVaScRiPt:@JS@">x</a>',
    "javascript-spaces": '<a href=" &#14; javascript:@JS@">text</a><a href="java\nscript:@JS@">x</a><a href="java&Tab;script:@JS@">y</a>',
    "javascript-entities": '<a href="&#106;avascript&colon;@JS@">text</a><a href="javascript&#x3A;@JS@">x</a>',
    "vbscript": '<a href="vbscript:x">text</a><a href="data:text/html,<script>@JS@</script>">x</a><a href="file:///etc/passwd">y</a>',
    "blob": '<a href="blob:null/x">text</a><a href="filesystem:x">x</a><a href="view-source:@URL@">y</a><a href="ms-msdt:/id">z</a>',
    "target": '<a href="@URL@" target="_top" rel="opener">text</a><a href="@URL@" target="_parent" download>x</a>',
}

_GROUPS = (
    ("svg", "SC-01", _SVG),
    ("script", "SC-01", _SCRIPT),
    ("mxss", "SC-03", _MXSS),
    ("css", "SC-02", _CSS),
    ("load", "SC-10", _LOADS),
    ("link", "SC-01", _LINKS),
)

CORPUS: tuple[Hostile, ...] = tuple(
    Hostile(f"{group}-{name}", security_class, template, "text" if ">text<" in template else "")
    for group, security_class, documents in _GROUPS
    for name, template in documents.items()
)

IMAGE_CONTROL = fill_in("control-image", '<img src="@URL@">')
"""Shown uncleaned and unfenced, this must reach the sink: proof that the others would have been heard."""

SCRIPT_CONTROL = fill_in("control-script", "<script>@JS@</script><img src=x onerror=@JS@>")
"""Shown uncleaned and unfenced, this must leave the mark."""

LATE_CONTROL = fill_in("control-late", '<meta http-equiv=refresh content="1;url=@URL@">')
"""Shown last: once it has reached the sink, everything before it had its time."""
