# What -DPRUNE_RUNTIME_ONLY=ON leaves: rooms of libprune that a deployed program needs, whole, and
# the headers whose functions they hold (docs/deploy.md). The rest of the repository is not built.
set(prune_runtime_rooms base kernels tensor image formats graph ops passes models session)
# Closed-form fits of the pruning rooms, over LAPACK.
set(prune_runtime_without kernels/dense.c)
set(prune_runtime_headers runtime context image model options parameters prediction session status)

# prune_runtime_sources(<list>): keeps the files of those rooms. Paths are absolute, room by room
# under `folder`.
function(prune_runtime_sources list folder)
    foreach(source ${${list}})
        file(RELATIVE_PATH path ${folder} ${source})
        string(REGEX REPLACE "/.*" "" room ${path})
        if(room IN_LIST prune_runtime_rooms AND NOT path IN_LIST prune_runtime_without)
            list(APPEND kept ${source})
        endif()
    endforeach()
    set(${list} ${kept} PARENT_SCOPE)
endfunction()
