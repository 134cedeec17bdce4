module github.com/sysreel/sysreel

go 1.25.0
