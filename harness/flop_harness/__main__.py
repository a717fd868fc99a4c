from flop_harness.suite.search_path import put_standard_library_first

put_standard_library_first()  # ``python -m`` looks into the working directory before that

from flop_harness.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
