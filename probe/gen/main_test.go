package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestGeneratedCodeIsFresh(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../bpf/syscalls.gen.h")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("probe/bpf/syscalls.gen.h does not follow from the recipe table: run go generate ./probe")
	}
}

func TestProgram(t *testing.T) {
	buf := &bytes.Buffer{}
	if err := program(buf, recipe{event: schema.PPME_SYSCALL_CLOSE_X, params: []string{"ret", "fd(a0)"}}); err != nil {
		t.Fatal(err)
	}
	got := buf.String()
	for _, want := range []string{"int close_x5(void *ctx)", "BEGIN_FIXED(5, 2, 46);", "put64(&e, 0, c->ret);", "put64(&e, 1, fd(c->arg[0]));"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, bad := range []recipe{
		{event: schema.PPME_SYSCALL_CLOSE_X, params: []string{"ret"}},            // too few
		{event: schema.PPME_SYSCALL_CHDIR_X, params: []string{"ret", "nothing"}}, // not a call
	} {
		if err := program(buf, bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

func TestArgs(t *testing.T) {
	for in, want := range map[string]string{
		"a0":              "c->arg[0]",
		"fd(a4)":          "fd(c->arg[4])",
		"path(nr, a1)":    "path(c->nr, c->arg[1])",
		"ret > 0 ? a1:0":  "c->ret > 0 ? c->arg[1]:0",
		"data2 + a6 + ra": "data2 + a6 + ra",
	} {
		if got := args(in); got != want {
			t.Errorf("args(%q) = %q, want %q", in, got, want)
		}
	}
}
