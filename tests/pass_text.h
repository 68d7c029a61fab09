/* Text cases of passes: tests/passes/<name>.txt.
 *
 * A file has any number of cases.  Each begins with `# pass: NAME` (several names, separated by
 * commas, run in order; `all` is the pipeline), then the graph, then what is expected:
 *
 *   # expect                       and the graph that comes out
 *   # error: E_UNSUPPORTED words   or the code of the error and words its text holds
 *   # target: cuda                before the graph: the compile is for a GPU
 *   # counter: fold_noop 2         also, any number of times: what a counter stands at (before `#
 * expect`) # fold                         also, last: the graph that freeze put aside
 */
#ifndef AOTC_TESTS_PASS_TEXT_H
#define AOTC_TESTS_PASS_TEXT_H

/* Runs all cases of a file; failures are printed to stderr with both texts.  Returns how many cases
 * failed, or -1 when the file cannot be read or has no case; *n_cases gets their number. */
int pass_text_file(const char *path, int *n_cases);

/* The same for text in memory; `name` is for messages. */
int pass_text_cases(const char *name, const char *text, int *n_cases);

#endif
