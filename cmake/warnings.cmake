# Every target of ours compiles with these; third-party headers come in as SYSTEM.
add_compile_options(-Wall -Wextra -Wconversion -Werror -Wshadow -Wstrict-prototypes
                    -Wmissing-prototypes -fno-strict-aliasing)
# gcc 12 does not see that a failing PR_TRY leaves before an unset out-parameter is read.
add_compile_options($<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
# Floats mean what the source says, except in kernels that ask for more (decisions.md).
add_compile_options(-ffp-contract=off -fno-math-errno)
if(PRUNE_SANITIZE)
    add_compile_options(-fsanitize=${PRUNE_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${PRUNE_SANITIZE})
endif()
