package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	events := `{"Action":"start","Package":"a"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"--- PASS: TestOne (0.00s)\n"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestTwo","Output":"    a_test.go:7: needs root\n"}
{"Action":"output","Package":"a","Test":"TestTwo","Output":"--- SKIP: TestTwo (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestTwo"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}
{"Action":"pass","Package":"a"}
{"Action":"output","Package":"b","Test":"TestThree","Output":"    b_test.go:9: needs root\n"}
{"Action":"skip","Package":"b","Test":"TestThree"}
{"Action":"output","Package":"b","Test":"TestFour","Output":"    b_test.go:12: got 1, want 2\n"}
{"Action":"output","Package":"b","Test":"TestFour","Output":"--- FAIL: TestFour (0.00s)\n"}
{"Action":"fail","Package":"b","Test":"TestFour"}
{"Action":"output","Package":"b","Output":"FAIL\tb\t0.2s\n"}
{"Action":"fail","Package":"b"}
go: something of its own
`
	var out strings.Builder
	r := newReport(&out)
	r.read(strings.NewReader(events))
	r.summary()
	want := `ok  	a	0.1s
    b_test.go:12: got 1, want 2
--- FAIL: TestFour (0.00s)
FAIL	b	0.2s
go: something of its own
skipped: needs root: TestTwo, TestThree
`
	if out.String() != want || !r.failed {
		t.Errorf("got %s, failed %v; want %s", out.String(), r.failed, want)
	}
}
