package filter

import (
	"errors"
	"fmt"
)

// ParseError is a fault in the text of a condition.
type ParseError struct {
	Position
	Msg     string // one line, lower case
	Hint    string // what was probably meant, may be empty
	Snippet string // see Snippet
	// Incomplete is set when the text so far could be the start of a correct
	// condition.
	Incomplete bool
}

// Error returns "line:column: message (hint)".
func (e *ParseError) Error() string { return located(e.Position, e.Msg, e.Hint) }

func located(p Position, msg, hint string) string {
	if hint != "" {
		msg += " (" + hint + ")"
	}
	return p.String() + ": " + msg
}

// ErrorCode classifies a CompileError.
type ErrorCode uint8

// Codes of compile errors.
const (
	ErrCodeUnknownField     ErrorCode = iota + 1 // no such field or event argument; unwraps to replay's error
	ErrCodeUnknownEventType                      // literal for evt.type that no event, syscall or async event has
	ErrCodeOperator                              // operator not defined for the type, or a list
	ErrCodeLiteral                               // malformed number, boolean, address, network, port, hex, or NUL
	ErrCodePattern                               // bad regular expression or shell pattern
	ErrCodeTransformer                           // transformer not usable here, wrong argument count
	ErrCodeTypes                                 // two fields of different types, or a field not allowed on the right
	ErrCodeMacro                                 // macro reference that was not expanded
)

// ErrUnknownEventType is what CompileErrors with ErrCodeUnknownEventType unwrap to.
var ErrUnknownEventType = errors.New("unknown event type")

// CompileError is a fault in a well-formed condition.
type CompileError struct {
	Position // in the text of Macro if that is set
	// Macro names the innermost expanded macro that the fault is in.
	Macro   string
	Code    ErrorCode
	Msg     string // one line, lower case
	Hint    string
	Snippet string // set by CompileText; others may use the function Snippet
	Err     error  // cause, may be nil
}

// Error returns "line:column: message (hint)".
func (e *CompileError) Error() string { return located(e.Position, e.Msg, e.Hint) }

// Unwrap returns the cause.
func (e *CompileError) Unwrap() error { return e.Err }

func compileErr(code ErrorCode, at Position, format string, args ...any) *CompileError {
	return &CompileError{Position: at, Code: code, Msg: fmt.Sprintf(format, args...)}
}

func (e *CompileError) withHint(format string, args ...any) *CompileError {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WarningCode classifies a Warning.
type WarningCode uint8

// Codes of compile warnings.
const (
	WarnFieldAsText  WarningCode = iota + 1 // the text on the right is the name of a field
	WarnCallAsText                          // the text on the right looks like a transformer
	WarnPlainRegex                          // a simpler operator would do
	WarnSyscallAlias                        // evt.type compared with a syscall whose events have another name
)

// Warning is something legal that is probably not meant.
type Warning struct {
	Position // in the text of Macro if that is set
	Code     WarningCode
	Msg      string
	Hint     string
	Macro    string // innermost expanded macro that the warning is about
}

// String returns "line:column: message (hint)".
func (w Warning) String() string { return located(w.Position, w.Msg, w.Hint) }
