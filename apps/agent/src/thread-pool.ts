// Imported before everything else: libuv reads the variable when its pool starts, for all threads of the process at once.
// Every disk access in flight takes one of its threads: two reads and some writes of each worker.
process.env.UV_THREADPOOL_SIZE ??= '16';
