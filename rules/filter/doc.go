// Package filter implements the condition language of Falco rules: lexer,
// parser, typed syntax tree, compiler and output templates. It knows nothing of
// rule files.
//
// # The language in one page
//
// A filter is one boolean expression over checks:
//
//	evt.type in (open, openat) and fd.name startswith /etc and not proc.name = sshd
//
// A check tests one value of the event: a field (proc.name, proc.aname[2],
// evt.arg.path) or a transformed field (tolower(proc.name), len(fd.name)). On
// the right stands nothing (exists), a literal, a list of literals, or, inside
// val() or another transformer, a second field:
//
//	exists                          the value can be extracted
//	= == !=                         equality on the typed value
//	< <= > >=                       order of numbers; byte order of text
//	contains icontains              text occurs inside; ignoring ASCII case
//	startswith endswith             exact prefix, suffix
//	bcontains bstartswith           the same with bytes given as hex digits
//	glob iglob                      shell pattern over the whole value
//	regex                           POSIX expression over the whole value
//	in (...) intersects (...)       membership; for list fields "all" and "any"
//	pmatch (...)                    an item is a path prefix of the value
//	OP oneof|anyof|allof (...)      the text operator OP against several literals
//
// Parentheses bind tightest, then not, and, or. A bare identifier names a macro
// and is legal only where ParseOptions.Macros allows it; a bare identifier after
// in, intersects, pmatch or a modifier names a list. Expand replaces both.
//
// A check whose field has no value is false for every operator, != included;
// "not f = x" is therefore true on events that lack f.
//
// Words without quotes are literal text up to a blank or one of ()"'=, and have
// no escapes; quoted text has the escapes \\ \" \' \/ \b \f \n \r \t \xHH.
//
// # Use
//
// CompileText is the short way from text to a Filter for one-off filters. A rule
// set parses each condition with Parse, expands macros and lists with Expand, and
// compiles all of them with one Compiler: checks and sub-expressions that occur in
// several rules are then evaluated once per event. EventTypes and Syscalls say
// beforehand which events a condition can match at all.
//
// ParseTemplate reads output templates ("%proc.name opened %fd.name").
//
// # Where this differs from Falco
//
// Everything that loads there means the same here. Beyond that: hexadecimal
// integers, fractions for DOUBLE fields, literals longer than 255 bytes and a
// quoted text ending in an escaped backslash are accepted; integers that do not
// fit their type are reported instead of cut; a letter directly after in, exists,
// intersects or pmatch is an error instead of the start of the value; fd.net in
// (...) tests every network of the list; the canonical text also quotes commas,
// parentheses, control characters, invalid UTF-8 and the empty text, so that it
// parses back to the same tree; lists expand on the tree instead of in the text.
package filter
