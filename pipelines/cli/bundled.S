/* The bundled model as bytes of the program. PRUNE_BUNDLED_MODEL is set by CMake. */
    .section .rodata
    .balign 64
    .global cli_bundled_model
    .global cli_bundled_model_end
cli_bundled_model:
    .incbin PRUNE_BUNDLED_MODEL
cli_bundled_model_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
