package sanitize

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// pages are pieces of HTML and what becomes of them; "" is for nothing.
var pages = []struct{ name, in, out string }{
	{"plain", `<p class=x>Hello &amp; <b>you</b><br/></P>`, ""},
	{"a newsletter", `<!DOCTYPE html><html><head><meta charset="utf-8"><title>News</title><style type="text/css">p > a { color: red } /* x */</style></head>` +
		`<body bgcolor="#fff"><table width=600 background="http://x.example/bg.png"><tr><td style="width:600px; background:url('http://x.example/a.png')">` +
		`<a href="https://x.example/?a=1&b=2" target=_blank><img src="https://x.example/logo.png" width="200" height=50 alt='x'></a></table></body></html>`, ""},
	{"Outlook's page", `<html xmlns:v="urn:schemas-microsoft-com:vml"><head><!--[if !mso]><style>v\:* {behavior:url(#default#VML);}</style><![endif]--><style><!--
/* Font Definitions */ @font-face {font-family:Calibri; panose-1:2 15;} --></style><!--[if gte mso 9]><xml><o:shapedefaults v:ext="edit" spidmax="1026" /></xml><![endif]--></head>
<body lang=EN-US><o:p>&nbsp;</o:p><![if !vml]><img src="cid:image001.png@01D0" v:shapes="x"><![endif]></body></html>`, ""},
	{"a picture within", `<img src="data:image/png;base64,iVBORw0KGgo=">`, ""},
	{"no tags", `1 < 2 && 3 > 2 <3 <>`, ""},
	{"a script", `<script type=x>alert("<b>--x")</script>after`, `<DEFANGED_script type=x><!-- DEFANGED script: alert("&lt;b&gt;- -x") --></DEFANGED_script>after`},
	{"a script in capitals", `<SCRIPT SRC=http://x/></SCRIPT>`, `<DEFANGED_SCRIPT SRC=http://x/></DEFANGED_SCRIPT>`},
	{"a script that never ends", `a<script>b`, `a<DEFANGED_script><!-- DEFANGED script: b -->`},
	{"handlers", `<body OnLoad="x()" onclick=y>`, `<body DEFANGED_OnLoad="x()" DEFANGED_onclick=y>`},
	{"a handler after a slash", `<svg/onload=alert(1)>`, `<svg/DEFANGED_onload=alert(1)>`},
	{"a handler after a quote", `<img src="x"onerror="y">`, `<img src="x"DEFANGED_onerror="y">`},
	{"a URL that runs", `<a href="javascript:x()">`, `<a href="DEFANGED_javascript:x()">`},
	{"written to be missed", "<a href=\" java\tscr\nipt&#58;x()\">", "<a href=\"DEFANGED_ java\tscr\nipt&#58;x()\">"},
	{"far to the right", `<a href="` + strings.Repeat(" ", 5000) + `vbscript:x">`, `<a href="DEFANGED_` + strings.Repeat(" ", 5000) + `vbscript:x">`},
	{"data that is a page", `<a href="data:text/html,x">`, `<a href="DEFANGED_data:text/html,x">`},
	{"frames", `<iframe src=x><p onclick=y></iframe>`, `<DEFANGED_iframe src=x><p DEFANGED_onclick=y></DEFANGED_iframe>`},
	{"objects", `<object data=x><embed src=y></object>`, `<DEFANGED_object data=x><DEFANGED_embed src=y></DEFANGED_object>`},
	{"goes elsewhere", `<meta http-equiv=Refresh content="0;url=x">`, `<DEFANGED_meta http-equiv=Refresh content="0;url=x">`},
	{"a style that runs", `<p style="width: exp/**/ression(x)">`, `<p DEFANGED_style="width: exp/**/ression(x)">`},
	{"with an escape", `<p style="width: \65 xpression(x)">`, `<p DEFANGED_style="width: \65 xpression(x)">`},
	{"a sheet that runs", `<style>p { behavior: url(http://x/y.htc) }</style>`, `<style>/* DEFANGED p { behavior: url(http://x/y.htc) } */</style>`},
	{"a sheet that is none", `<svg><style><img src=x onerror=y></style></svg>`, `<svg><style><img src=x DEFANGED_onerror=y></style></svg>`},
	{"a text that ends early", `<noscript><p title="</noscript><img src=x onerror=y>"></noscript>`, `<noscript><p title="&lt;/noscript>&lt;img src=x onerror=y>"></noscript>`},
	{"a comment that ends early", `<noscript><!-- </noscript><img src=x onerror=y> --></noscript>`, `<noscript><!-- </noscript><img src=x DEFANGED_onerror=y> --></noscript>`},
	{"a comment for some", `<!--[if IE]><script>x</script><![endif]-->`, `<!--[if IE]><DEFANGED_script></DEFANGED_script><![endif]-->`},
	{"a command", `<?import namespace="t" implementation="#default#time2">`, `&lt;?import namespace="t" implementation="#default#time2">`},
	{"a command for pictures", `<?xml version="1.0"?><?xml-stylesheet href="x"?><svg/>`, `<?xml version="1.0"?>&lt;?xml-stylesheet href="x"?><svg/>`},
	{"entities", `<!DOCTYPE svg [<!ENTITY a "&#60;script>"><!ENTITY b "x">]>`, `<!DOCTYPE svg [&lt;!ENTITY a "&#60;script>">&lt;!ENTITY b "x">]>`},
	{"Word's namespace", `<?xml:namespace prefix = o ns = "urn:schemas-microsoft-com:office:office" />`, ""},
	{"a tag that never ends", `<img src=x onerror=y `, `&lt;img src=x onerror=y `},
	{"animated", `<svg><a><animate attributeName=href values=javascript:x /></a></svg>`, `<svg><a><DEFANGED_animate attributeName=href values=DEFANGED_javascript:x /></a></svg>`},
	{"a bug", `<img src="http://x.example/a?id=1" width="1" height="1">`, `<img DEFANGED_src="http://x.example/a?id=1" width="1" height="1">`},
	{"a bug by style", `<IMG style="display: none !important" SRC=//x.example/a>`, `<IMG style="display: none !important" DEFANGED_SRC=//x.example/a>`},
	{"a line", `<img src="http://x.example/line.gif" width="100%" height="1">`, ""},
	{"a spacer of our own", `<img src="cid:x" width="1" height="1">`, ""},
	{"a sheet from elsewhere", `<link rel=stylesheet href="https://x.example/a.css">`, `<DEFANGED_link rel=stylesheet href="https://x.example/a.css">`},
}

func TestPages(t *testing.T) {
	for _, row := range pages {
		t.Run(row.name, func(t *testing.T) {
			want := row.out
			if want == "" {
				want = row.in
			}
			p := page{active: true, webbugs: true}
			var out bytes.Buffer
			if err := p.defang(strings.NewReader(row.in), &out); err != nil {
				t.Fatal(err)
			}
			if out.String() != want || p.changed != (row.out != "") {
				t.Errorf("got  %s (%v)\nwant %s", out.String(), p.changed, want)
			}
		})
	}
}

func TestNothingIsLoadedForTheParanoid(t *testing.T) {
	for in, want := range map[string]string{
		`<img src="http://x/a.png"><table background='http://x/b'><p style="a:url(http://x)">`: `<img DEFANGED_src="http://x/a.png"><table DEFANGED_background='http://x/b'><p DEFANGED_style="a:url(http://x)">`,
		`<a href="http://x/">x</a><img src="cid:a">`:                                           `<a href="http://x/">x</a><img src="cid:a">`,
		`<form action="http://x/"></form>`:                                                     `<DEFANGED_form action="http://x/"></form>`,
	} {
		p := page{active: true, webbugs: true, paranoid: true}
		var out bytes.Buffer
		if err := p.defang(strings.NewReader(in), &out); err != nil || out.String() != want {
			t.Errorf("%s: got %s, %v", in, out.String(), err)
		}
	}
}

// Tags are read twice, so both readers must agree.
func FuzzTag(f *testing.F) {
	for _, row := range pages {
		f.Add([]byte(row.in))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		z := html.NewTokenizer(bytes.NewReader(text))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				return
			}
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			got := readTag(bytes.Clone(z.Raw()))
			want := z.Token()
			// Of the same names only the first counts for Token; NUL and lines are its affair.
			if bytes.ContainsAny(text, "\x00\r") || len(got.attributes) != len(want.Attr) {
				continue
			}
			if strings.ToLower(want.Data) != got.name && len(got.name) == len(want.Data) {
				t.Errorf("%q: got %q, want %q", text, got.name, want.Data)
			}
			for i, a := range want.Attr {
				if b := got.attributes[i]; len(a.Key) == len(b.name) && (a.Val != b.value || !strings.EqualFold(a.Key, b.name)) {
					t.Errorf("%q: got %q=%q, want %q=%q", text, b.name, b.value, a.Key, a.Val)
				}
			}
		}
	})
}
