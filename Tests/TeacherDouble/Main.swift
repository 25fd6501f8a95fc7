// The server under the tests' control.

@main
struct TeacherDouble {
    static func main() {}
}
