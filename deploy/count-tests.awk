# Counts the tests of Swift Testing event streams (one JSON object a line), one file a process of the same run:
#
#   awk -f deploy/count-tests.awk EVENTS.jsonl...
#
# Prints `not ok TEST: why` lines, then `PASSED FAILED SKIPPED`. A test of several ranks is one test: it failed if it
# failed on any of them, and is skipped if none ran it. A test that started and never ended, and a stream without
# its last event, mean that the process died: both count as failures. Suites aren't counted, their tests are.
function field(name,    pattern) {
    pattern = "\"" name "\":\"([^\"\\\\]|\\\\.)*\""
    if (!match($0, pattern)) return ""
    return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}
function fail_test(test, why) {
    if (!(test in failed)) print "not ok " test ": " why
    failed[test] = 1
}
function close_stream(    test) {
    if (file == "") return
    for (i = 1; i <= started_count; i++) {
        test = started[i]
        if (!((file, test) in ended)) fail_test(test, "started and never ended, the process died")
    }
    if (!whole) fail_test(file, "the stream of test events breaks off, the process died")
}
FILENAME != file {
    close_stream()
    file = FILENAME
    seen[file] = 1
    whole = 0
    started_count = 0
}
/"kind":"runEnded"/ { whole = 1 }
/"kind":"(testStarted|testEnded|testSkipped|issueRecorded)"/ {
    test = field("testID")
    if (test !~ /\/.*:[0-9]+:[0-9]+$/) next # a suite
    sub(/\/[^\/]*:[0-9]+:[0-9]+$/, "", test)
    gsub(/\\\//, "/", test)
    sub(/\\$/, "", test)
    if (!(test in known)) { known[test] = 1; order[++known_count] = test }
    if ($0 ~ /"kind":"testStarted"/) { started[++started_count] = test; ran[test] = 1 }
    if ($0 ~ /"kind":"issueRecorded"/ && !/"isKnown":true/ && !(test in why)) why[test] = field("text")
    if ($0 ~ /"kind":"testEnded"/) {
        ended[file, test] = 1
        if ($0 ~ /"symbol":"fail"/) fail_test(test, why[test])
    }
}
END {
    close_stream()
    for (i = 1; i < ARGC; i++)
        if (!(ARGV[i] in seen)) fail_test(ARGV[i], "no test events, the process never ran")
    for (i = 1; i <= known_count; i++) {
        if (order[i] in failed) continue
        if (order[i] in ran) passed_count++
        else skipped_count++
    }
    for (test in failed) failed_count++
    print passed_count + 0, failed_count + 0, skipped_count + 0
}
