/** What runtimes and shells print when they get no memory and no threads, as they printed it under `prlimit`. */
import { describe, expect, it } from 'vitest';
import { explainCrash, explainExit, explainSilence } from './exit-verdicts.ts';
import { explainGoBuild } from './go/go-verdicts.ts';

const FRAME = '\t/usr/local/go/src/runtime/mgcmark_greenteagc.go:520 +0x5d fp=0x702e8965ea0 sp=0x702e8965e80 pc=0x42985d';
const QUEUE = [
  'SIGSEGV: segmentation violation',
  'PC=0x42985d m=4 sigcode=1 addr=0x0',
  '',
  'goroutine 0 gp=0x702e88ff680 m=4 mp=0x702e892b808 [idle]:',
  'runtime.(*spanQueue).tryDrain(0x70200000400?, 0x431fe5?, 0x525f08?)',
  FRAME,
];
const ON_A_GOROUTINE = [
  'fatal error: unexpected signal during runtime execution',
  '[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x42985d]',
  '',
  'runtime stack:',
  'runtime.throw({0x4977b8?, 0x0?})',
  '\t/usr/local/go/src/runtime/panic.go:1229 +0x48',
  'runtime.sigpanic()',
  '\t/usr/local/go/src/runtime/signal_unix.go:945 +0x285',
  'runtime.(*spanQueue).tryDrain(0x70200000400?, 0x431fe5?, 0x525f08?)',
];

const MEMORY: readonly (readonly [string, ...string[]])[] = [
  ['Go', 'fatal error: runtime: out of memory'],
  ['Go, its own tables', 'fatal error: runtime: cannot allocate memory'],
  ['Go, the heap', 'runtime: out of memory: cannot allocate 4194304-byte block (67108864 in use)', 'fatal error: out of memory'],
  ['Go, the heap’s map', 'fatal error: out of memory allocating heap arena map'],
  ['Go, page summaries', 'fatal error: pageAlloc: out of memory'],
  ['Go, address space', 'fatal error: failed to reserve page summary memory'],
  ['Go, pages', 'runtime: mmap(0xc000000000, 4194304) returned 0x0, 11', 'fatal error: runtime: cannot map pages in arena address space'],
  ['Go, locked memory', "runtime: mmap: too much locked memory (check 'ulimit -l')."],
  ['Go, a stack', 'runtime: failed to allocate stack for the new OS thread'],
  ['Go, the collector’s queue', ...QUEUE],
  ['Go, the collector’s queue on the stack of a goroutine', ...ON_A_GOROUTINE],
  ['Node, the heap', 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
  ['Node, V8 itself', '# Fatal process out of memory: Failed to reserve virtual memory for CodeRange'],
  ['Node, V8 while it starts', '# Fatal javascript OOM in MemoryChunk allocation failed during deserialization.'],
  ['Node, a buffer', 'RangeError: Array buffer allocation failed'],
  ['Node, a file', 'Error: ENOMEM: not enough memory, read'],
  ['Node, a process', 'Error: spawn ENOMEM'],
  ['Java, the heap', 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'],
  ['Java, what it reserves', 'Error occurred during initialization of VM', 'Could not reserve enough space for 2097152KB object heap'],
  [
    'Java, what it commits',
    "OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x00007fc2b4b40000, 3276800, 0) failed; error='Not enough space' (errno=12)",
  ],
  ['Java, malloc', '# Native memory allocation (malloc) failed to allocate 1048576 bytes. Error detail: AllocateHeap'],
  ['C++', "terminate called after throwing an instance of 'std::bad_alloc'"],
];

const THREADS: readonly (readonly [string, ...string[]])[] = [
  [
    'Go',
    'runtime: failed to create new OS thread (have 6 already; errno=11)',
    'runtime: may need to increase max user processes (ulimit -u)',
    'fatal error: newosproc',
  ],
  [
    'Go with C',
    'runtime/cgo: pthread_create failed: Resource temporarily unavailable',
    'SIGABRT: abort',
    'PC=0x7f1c m=0 sigcode=18446744073709551610',
  ],
  ['Go, its own limit', 'runtime: program exceeds 10000-thread limit', 'fatal error: thread exhaustion'],
  ['Node', '  #  Assertion failed: (0) == (uv_thread_create(t.get(), start_thread, this))'],
  ['Node, a worker', 'Error [ERR_WORKER_INIT_FAILED]: Worker initialization failure: EAGAIN'],
  ['Node, a process', 'Error: spawn node EAGAIN'],
  [
    'Java',
    '[0.143s][warning][os,thread] Failed to start thread "Unknown thread" - pthread_create failed (EAGAIN) for attributes: stacksize: 1024k, guardsize: 0k, detached.',
    'Exception in thread "main" java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached',
  ],
  [
    'Java, its collector',
    '# There is insufficient memory for the Java Runtime Environment to continue.',
    '# Cannot create worker GC thread. Out of system resources.',
  ],
  ['Java, itself', 'Error occurred during initialization of VM', 'Cannot create VM thread. Out of system resources.'],
  ['dash', 'sh: 0: Cannot fork'],
  ['bash', 'bash: fork: Resource temporarily unavailable'],
];

const exit = (lastOutput: readonly string[]) => ({ code: 2, signal: null, lastOutput });
/** More lines than are looked at after an end. */
const trace = Array.from({ length: 60 }, (_, at) => `runtime.frame${at}()`);

describe.each([
  { what: 'no memory', said: MEMORY, chaincode: 'the chaincode ran out of memory', build: 'the build ran out of memory' },
  {
    what: 'no threads',
    said: THREADS,
    chaincode: 'the chaincode could start no more threads or processes',
    build: 'the build could start no more threads or processes',
  },
])('a program that gets $what is understood', ({ said, chaincode, build }) => {
  it.each(said)('%s', (_, ...output) => {
    expect(explainExit(exit(output))).toMatchObject({ cause: chaincode, advice: expect.stringContaining('selvage.process.memory') });
    expect(explainCrash(exit(output))?.cause).toBe(chaincode);
    expect(explainSilence(output)?.cause).toBe(chaincode);
    expect(explainGoBuild(output).cause).toBe(build);
  });
});

describe('a Go program that ends', () => {
  it('with a long trace is known by the head of it', () => {
    expect(explainCrash(exit(['listening', ...QUEUE, ...trace]))?.cause).toBe('the chaincode ran out of memory');
  });

  it('by what its runtime finds out is told so', () => {
    const said = ['fatal error: all goroutines are asleep - deadlock!', '', 'goroutine 1 [select (no cases)]:'];
    expect(explainExit(exit(said))?.cause).toBe(
      'the chaincode failed while it started: fatal error: all goroutines are asleep - deadlock!',
    );
  });

  it('by a signal that its runtime reports has crashed', () => {
    const said = ['SIGSEGV: segmentation violation', 'PC=0x7f1c6d m=0 sigcode=1 addr=0x8', 'signal arrived during cgo execution', ...trace];
    expect(explainExit(exit(said))?.cause).toBe('the chaincode, or a native module of it, crashed');
    expect(explainCrash(exit(said))?.cause).toBe('the chaincode, or a native module of it, crashed');
  });
});
