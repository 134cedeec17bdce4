package rules

// Code names a class of problem in a rule file. The LOAD_ codes and their
// short texts are Falco's.
type Code string

// Errors: the file is not usable.
const (
	ErrFileRead         Code = "LOAD_ERR_FILE_READ"
	ErrYAMLParse        Code = "LOAD_ERR_YAML_PARSE"
	ErrYAMLValidate     Code = "LOAD_ERR_YAML_VALIDATE"
	ErrCompileCondition Code = "LOAD_ERR_COMPILE_CONDITION"
	ErrCompileOutput    Code = "LOAD_ERR_COMPILE_OUTPUT"
	ErrValidate         Code = "LOAD_ERR_VALIDATE"
	ErrExtension        Code = "LOAD_ERR_EXTENSION"
)

// Warnings that Falco raises too.
const (
	WarnUnknownSource          Code = "LOAD_UNKNOWN_SOURCE"
	WarnUnsafeNACheck          Code = "LOAD_UNSAFE_NA_CHECK"
	WarnNoEvttype              Code = "LOAD_NO_EVTTYPE"
	WarnUnknownFilter          Code = "LOAD_UNKNOWN_FILTER"
	WarnUnusedMacro            Code = "LOAD_UNUSED_MACRO"
	WarnUnusedList             Code = "LOAD_UNUSED_LIST"
	WarnUnknownItem            Code = "LOAD_UNKNOWN_ITEM"
	WarnDeprecatedItem         Code = "LOAD_DEPRECATED_ITEM"
	WarnExtension              Code = "LOAD_WARNING_EXTENSION"
	WarnAppendNoValues         Code = "LOAD_APPEND_NO_VALUES"
	WarnExceptionNameNotUnique Code = "LOAD_EXCEPTION_NAME_NOT_UNIQUE"
	WarnInvalidMacroName       Code = "LOAD_INVALID_MACRO_NAME"
	WarnInvalidListName        Code = "LOAD_INVALID_LIST_NAME"
	WarnCompileCondition       Code = "LOAD_COMPILE_CONDITION"
	WarnUnknownKey             Code = "LOAD_UNKNOWN_KEY"
)

// Advice beyond Falco, given only when LoadOptions.Lint is set.
const (
	LintNeverMatches   Code = "LINT_NEVER_MATCHES"
	LintContradiction  Code = "LINT_CONTRADICTION"
	LintShadowed       Code = "LINT_SHADOWED_RULE"
	LintDupException   Code = "LINT_DUPLICATE_EXCEPTION"
	LintDupItem        Code = "LINT_DUPLICATE_ITEM"
	LintDupKey         Code = "LINT_DUPLICATE_KEY"
	LintNestedListText Code = "LINT_LIST_STAYS_TEXT"
)

type codeInfo struct {
	code  Code
	short string
	err   bool
	hint  string // general advice, used when the finding has none of its own
}

// codeTable holds every code in the order of Falco's documentation.
var codeTable = []codeInfo{
	{ErrFileRead, "File read error", true, "check the path and its permissions"},
	{ErrYAMLParse, "YAML parse error", true, "check indentation, quotes and brackets near this line"},
	{ErrYAMLValidate, "Error validating internal structure of YAML file", true, ""},
	{ErrCompileCondition, "Error compiling condition", true, ""},
	{ErrCompileOutput, "Error compiling output", true, "'sysreel fields' lists the fields an output may use"},
	{ErrValidate, "Error validating rule/macro/list/exception objects", true, ""},
	{ErrExtension, "Error in extension item", true, ""},
	{WarnUnknownSource, "Unknown event source", false, "only rules of source syscall are evaluated; the rule is kept out"},
	{WarnUnsafeNACheck, "Unsafe <NA> comparison in condition", false, "use 'not FIELD exists' to test that a field has no value"},
	{WarnNoEvttype, "Condition has no event-type restriction", false, "begin the condition with evt.type=... or evt.type in (...), or set warn_evttypes: false"},
	{WarnUnknownFilter, "Unknown field or event-type in condition or output", false, "the rule is dropped because it says skip-if-unknown-filter"},
	{WarnUnusedMacro, "Unused macro", false, "remove it, or use it in a rule"},
	{WarnUnusedList, "Unused list", false, "remove it, or use it in a condition"},
	{WarnUnknownItem, "Unknown rules file item", false, "an item has one of the keys rule, macro, list, required_engine_version, required_plugin_versions"},
	{WarnDeprecatedItem, "Used deprecated item", false, ""},
	{WarnExtension, "Warning in extension item", false, ""},
	{WarnAppendNoValues, "Overriding/appending with no values", false, "give the exception the values to add"},
	{WarnExceptionNameNotUnique, "Multiple exceptions defined with the same name", false, "both apply; give each its own name so that values can be appended to it"},
	{WarnInvalidMacroName, "Invalid macro name", false, "use a letter followed by letters, digits and underscores; this macro cannot be referenced"},
	{WarnInvalidListName, "Invalid list name", false, "use a name without blanks, quotes, parentheses, '=' and ','; this list cannot be referenced"},
	{WarnCompileCondition, "Warning in rule condition", false, ""},
	{WarnUnknownKey, "Unknown key in item definition", false, "the key is ignored; check its spelling"},
	{LintNeverMatches, "Condition can never match", false, ""},
	{LintContradiction, "Contradictory conditions", false, ""},
	{LintShadowed, "Rule is shadowed by an earlier rule", false, ""},
	{LintDupException, "Duplicate exception values", false, "remove the repeated values"},
	{LintDupItem, "Repeated list item", false, "remove the repeated item"},
	{LintDupKey, "Repeated key", false, "remove one of them"},
	{LintNestedListText, "Name of a list stays plain text", false, ""},
}

var codeIndex = func() map[Code]*codeInfo {
	m := make(map[Code]*codeInfo, len(codeTable))
	for i := range codeTable {
		m[codeTable[i].code] = &codeTable[i]
	}
	return m
}()

// Short returns the code's short text.
func (c Code) Short() string {
	if i := codeIndex[c]; i != nil {
		return i.short
	}
	return ""
}

// IsError tells whether a problem with this code makes its file unusable.
func (c Code) IsError() bool {
	i := codeIndex[c]
	return i != nil && i.err
}
