# Every target of ours compiles with these; third-party headers come in as SYSTEM.
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                    -fno-strict-aliasing)
# Whoever builds us as a part of something else may have a compiler that warns of more.
if(PROJECT_IS_TOP_LEVEL)
    add_compile_options(-Werror)
endif()
# gcc 12 does not see that a failing PR_TRY leaves before an unset out-parameter is read.
add_compile_options($<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
# The tests emulate AVX-512 without its registers; those functions are static, no ABI is involved.
add_compile_options($<$<C_COMPILER_ID:Clang>:-Wno-psabi>)
# Cutting a name to a buffer's size is what snprintf is for.
add_compile_options($<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
# Floats mean what the source says, except in kernels that ask for more (decisions.md).
# Nobody reads floating-point exception flags; without them loops with comparisons become vectors.
add_compile_options(-ffp-contract=off -fno-math-errno -fno-trapping-math)
if(PRUNE_SANITIZE)
    # Instrumented code makes gcc guess wrong about sizes and ranges: the release build judges.
    add_compile_options(-fsanitize=${PRUNE_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all -Wno-error)
    add_link_options(-fsanitize=${PRUNE_SANITIZE})
endif()
# Fuzzing (preset `fuzz`): the library tells libFuzzer which branches an input took.
if(PRUNE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
