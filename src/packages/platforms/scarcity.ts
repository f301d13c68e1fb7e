/**
 * What programs say when they get no more of something, whatever they are written in and whoever says it: the language's runtime, its
 * libraries or the system.
 */

const GO_MEMORY = [
  'failed to reserve page summary memory',
  'failed to allocate aligned heap memory',
  'cannot map pages in arena address space',
  'failed to allocate stack for the new OS thread',
  'too much locked memory',
  // Go 1.26: the collector writes to a queue that it got no memory for.
  String.raw`SIGSEGV: segmentation violation.*(?:\n.*){0,12}?\nruntime\.\(\*spanQueue\)\.`,
];
const JAVA_MEMORY = [
  'OutOfMemoryError',
  'insufficient memory for the Java Runtime',
  'Native memory allocation',
  'Could not reserve enough space for',
  String.raw`Not enough space' \(errno=12\)`,
];
const NODE_MEMORY = [
  'Fatal (?:javascript|process) OOM',
  'Array buffer allocation failed',
  'ERR_MEMORY_ALLOCATION_FAILED',
  String.raw`\bENOMEM\b`,
];
const MEMORY = [
  'out of memory',
  'cannot allocate memory',
  'not enough memory',
  'virtual memory exhausted',
  'std::bad_alloc',
  ...GO_MEMORY,
  ...JAVA_MEMORY,
  ...NODE_MEMORY,
];

const THREADS = [
  // Go, and what of it is written in C
  'failed to create new OS thread',
  'fatal error: newosproc',
  'fatal error: thread exhaustion',
  'pthread_create failed',
  // Java
  'unable to create (?:new )?native thread',
  String.raw`Cannot create .*thread\. Out of system resources`,
  // Node
  String.raw`Assertion failed: \(0\) == \(uv_thread_create`,
  'ERR_WORKER_INIT_FAILED',
  String.raw`spawn \S+ EAGAIN`,
  // shells
  'Cannot fork',
  'fork: (?:retry: )?Resource temporarily unavailable',
];

/** No memory. Where a thread could not be started, memory may have been the reason, and {@link NO_THREADS} comes first. */
export const NO_MEMORY = new RegExp(MEMORY.join('|'), 'i');

/** No more threads or processes: their number is limited, or there is no memory for the stack of one. */
export const NO_THREADS = new RegExp(THREADS.join('|'), 'i');
