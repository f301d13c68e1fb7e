#!/usr/bin/env node
import { readdirSync, statSync } from 'node:fs';
import inspector from 'node:inspector';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

// On SIGUSR1 Node opens its debugger to everybody on this machine, unless somebody listens. From here on somebody does, and what a
// signal opened before is closed; who wants a debugger says so with `node --inspect` or in NODE_OPTIONS.
process.on('SIGUSR1', () => undefined);
const asked = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((option) => option.includes('--inspect'));
if (!asked && inspector.url() !== undefined) inspector.close();

// In a checkout the compiler may have run alone, and what runs is the bundle; a package has no files of the compiler's own.
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const changed = (file) => statSync(dist + file, { throwIfNoEntry: false })?.mtimeMs;
const bundled = changed('bundle/main.js');
if (bundled === undefined || readdirSync(dist).some((room) => changed(`${room}/tsconfig.tsbuildinfo`) > bundled))
  process.stderr.write(
    'selvage: not all that was compiled is in the bundle, which is what runs: node scripts/ensure.mjs brings it there\n',
  );

module.enableCompileCache?.(); // from Node 22.8 on: what was compiled once is read back at the next start
await import('../dist/bundle/main.js');
