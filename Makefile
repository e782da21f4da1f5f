lock: ; @true
