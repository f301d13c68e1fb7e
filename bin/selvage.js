#!/usr/bin/env node
import inspector from 'node:inspector';
import module from 'node:module';

// On SIGUSR1 Node opens its debugger to everybody on this machine, unless somebody listens. From here on somebody does, and what a
// signal opened before is closed; who wants a debugger says so with `node --inspect` or in NODE_OPTIONS.
process.on('SIGUSR1', () => undefined);
const asked = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((option) => option.includes('--inspect'));
if (!asked && inspector.url() !== undefined) inspector.close();

module.enableCompileCache?.(); // from Node 22.8 on: what was compiled once is read back at the next start
await import('../dist/bundle/main.js');
