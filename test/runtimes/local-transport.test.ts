/** Chaincode on the real Node shim over its local socket: the same answers as over gRPC, and gRPC where the socket cannot be used. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteBudget } from '../../src/comm/byte-budget.ts';
import { textOf } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { Scope } from '../../src/common/scope.ts';
import { LocalListener } from '../../src/runtimes/local-transport/local-listener.ts';
import { withRequired } from '../../src/runtimes/local-transport/node-options.ts';
import { ScriptedRuntime } from '../fakes/scripted-runtime.ts';
import { HeardLog } from './heard-log.ts';
import { sampleOrSkip } from './installed-sample.ts';
import { type ShimPeer, shimPeer } from './shim-peer.ts';
import { StartedProgram } from './started-program.ts';
import { testPeer } from './test-peer.ts';

const sample = process.platform === 'win32' ? undefined : await sampleOrSkip('kv-node');
const PRELOAD = fileURLToPath(new URL('../../src/runtimes/local-transport/preload/preload.cjs', import.meta.url));

let scope = new Scope();
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Everything that a stub can ask for, and what it can be asked wrongly. */
const SCRIPT = `
const shim = require('fabric-shim');
const { fork } = require('node:child_process');
const all = async (results) => { const found = []; for await (const { key, value, txId } of results) found.push([key, String(value), txId]); return found; };
const failing = async (work) => { try { return await work(); } catch (thrown) { return thrown.name + ': ' + thrown.message; } };
const functions = {
  put: async (stub) => { for (const [key, value] of [['a', 'eins'], ['b', 'zw\\u00f6lf'], ['\\u{1f600}', 'x']]) await stub.putState(key, Buffer.from(value)); },
  read: async (stub) => [await stub.getState('a'), await stub.getState('b'), await stub.getState('\\u{1f600}'), await stub.getState('none')].map(String),
  memory: async (stub) => { const value = await stub.getState('a'); return [Buffer.isBuffer(value), value.length]; },
  delete: async (stub) => (await stub.deleteState('a')).length,
  together: (stub) => Promise.all(Array.from({ length: 40 }, (_, at) => stub.putState('t' + at, Buffer.from('v')).then(() => stub.getState('t' + at)).then(String))),
  mixed: (stub) => Promise.all([stub.putState('m', Buffer.from('1')), stub.setStateValidationParameter('m', Buffer.from('p')).catch(String), stub.getState('m').then(String), stub.deleteState('m').then(() => 'gone')]),
  hidden: async (stub) => {
    await stub.putPrivateData('c', 'p', Buffer.from('secret'));
    await stub.deletePrivateData('c', 'q');
    return [await failing(() => stub.getPrivateData('c', 'p').then(String)), await failing(() => stub.getPrivateDataHash('c', 'p').then(String)), await failing(() => stub.purgePrivateData('c', 'p').then(String))];
  },
  range: (stub) => all(stub.getStateByRange('', '')),
  many: async (stub) => (await all(stub.getStateByRange('big0', 'big9'))).length,
  page: async (stub) => failing(async () => { const { iterator, metadata } = await stub.getStateByRangeWithPagination('a', 'z', 2, ''); const first = await iterator.next(); await iterator.close(); return [first.value.key, metadata]; }),
  composite: async (stub) => { const key = stub.createCompositeKey('t', ['x', 'y']); await stub.putState(key, Buffer.from('c')); return all(stub.getStateByPartialCompositeKey('t', ['x'])); },
  closed: async (stub) => { const results = await stub.getStateByRange('', ''); const first = await results.next(); return [first.done, typeof (await results.close()).getHasMore]; },
  history: (stub) => failing(() => all(stub.getHistoryForKey('a'))),
  query: (stub) => failing(() => all(stub.getQueryResult('{}'))),
  call: (stub) => failing(() => stub.invokeChaincode('not-there', ['x'], stub.getChannelID())),
  event: async (stub) => { stub.setEvent('Happened', Buffer.from('payload')); },
  creator: async (stub) => [stub.getCreator().mspid, stub.getCreator().idBytes.constructor.name, stub.getBinding(), stub.getDateTimestamp(), String(stub.getTxTimestamp().seconds), stub.getSignedProposal().signature.length, stub.getTransient().size],
  args: async (stub, ...more) => [stub.getStringArgs(), stub.getBufferArgs().map((arg) => Buffer.isBuffer(arg)), more],
  emptyKey: (stub) => failing(() => stub.getState('')),
  numberKey: (stub) => failing(() => stub.getState(5)),
  halfText: (stub) => failing(() => stub.getState('\\ud800').then(String)),
  halfPut: (stub) => failing(() => stub.putState('\\udc00', Buffer.from('x')).then(String)),
  textValue: (stub) => failing(() => stub.putState('text', 'not a buffer').then(String)),
  nothingPut: (stub) => failing(() => stub.putState('nothing', undefined).then(String)),
  emptyPut: (stub) => failing(() => stub.putState('empty', Buffer.alloc(0)).then(String)),
  manyPut: async (stub) => { for (let at = 0; at < 250; at += 1) await stub.putState('big' + String(at).padStart(4, '0'), Buffer.from('v')); },
  forgotten: (stub) => { for (const key of ['f1', 'f2', 'f3']) void stub.putState(key, Buffer.from('v')); },
  twin: () => new Promise((resolve) => {
    const said = [];
    const twin = fork(process.argv[1], process.argv.slice(2), { silent: true });
    for (const output of [twin.stdout, twin.stderr]) output.on('data', (chunk) => said.push(String(chunk)));
    twin.on('close', (code) => resolve([code, /duplicate chaincodeID: cc:1/.test(said.join(''))]));
  }),
};
const answers = {
  none: undefined, nothing: {}, text: 'text', noStatus: { message: 'm' }, refused: { status: 400, message: 'no' }, failed: { status: 500, message: 'it \\u{1f600} failed' },
  textStatus: { status: '200' }, minus: { status: -1 }, nullMessage: { status: 200, message: null }, half: { status: 200, message: '\\ud800' },
  base64: { status: 200, payload: 'AAEC' }, nullPayload: { status: 200, payload: null }, error: { status: 500, message: new Error('an error') },
};
shim.start({
  Init: async (stub) => shim.success(Buffer.from('init ' + stub.getFunctionAndParameters().fcn)),
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'answer') return answers[params[0]];
    return shim.success(Buffer.from(JSON.stringify((await functions[fcn](stub, ...params)) ?? 'ok')));
  },
});
`;
const CALLS: readonly (readonly string[])[] = [
  ...[
    'put',
    'read',
    'memory',
    'delete',
    'together',
    'mixed',
    'hidden',
    'range',
    'manyPut',
    'many',
    'page',
    'composite',
    'closed',
    'history',
  ],
  ...[
    'query',
    'call',
    'event',
    'creator',
    'emptyKey',
    'numberKey',
    'halfText',
    'halfPut',
    'textValue',
    'nothingPut',
    'emptyPut',
    'forgotten',
  ],
  ...['twin', 'read'],
].map((name) => [name]);
const ANSWERS: readonly (readonly string[])[] = [
  ...['none', 'nothing', 'text', 'noStatus', 'refused', 'failed', 'textStatus', 'minus', 'nullMessage', 'half', 'base64'],
  ...['nullPayload', 'error'],
].map((name) => ['answer', name]);

/** What a caller sees of a call, and what it wrote. */
async function outcomeOf(peer: ShimPeer, args: readonly string[]): Promise<unknown> {
  try {
    const { response, writes, event } = await peer.call('cc:1', ...args);
    const { status, message, payload } = response;
    return { args, status, message, payload: textOf(payload), writes, event };
  } catch (thrown) {
    return { args, failure: SelvageError.from(thrown).message };
  }
}

/** What concerns people in the output of a chaincode: no times, colours or traces, and no line for each call that went well. */
const told = (lines: readonly string[]): readonly string[] =>
  lines
    .map((line) => stripVTControlCharacters(line).replace(/^\S+ /, '').trimEnd())
    .filter((line) => !/succeeded\. Sending|Registering with|^\s*at /.test(line));

describe.skipIf(sample === undefined)('Node chaincode over its local socket (skipped without fixtures and npm)', () => {
  it('answers, writes, fails and logs as it does over gRPC', async () => {
    const log = new HeardLog();
    const [local, grpc] = [
      await shimPeer(scope, { script: SCRIPT, log }),
      await shimPeer(scope, { script: SCRIPT, localTransport: false }),
    ];
    for (const args of [...CALLS, ['args', 'ü', '', '\u{1f600}'], ...ANSWERS]) {
      const [over, expected] = await Promise.all([outcomeOf(local, args), outcomeOf(grpc, args)]);
      expect(over).toEqual(expected);
    }
    expect(await log.line(/speaks over its local socket/)).toContain('handler=lean');
    expect(told(local.printed)).toEqual(told(grpc.printed));
    expect(local.printed.join('\n')).toContain('has not called success or error');
    expect(local.printed.join('\n')).not.toContain('succeeded. Sending');
  });
});

const KEYS =
  "Invoke: async (stub) => { await stub.putState('k', Buffer.from('v')); return shim.success(await stub.getState('k')); }, Init: async () => shim.success()";
const PROGRAM = `const shim = require('fabric-shim'); shim.start({ ${KEYS} });`;

describe.skipIf(sample === undefined)('a Node chaincode that was given a socket (skipped without fixtures and npm)', () => {
  /** A chaincode in a folder of its own with a socket for `cc:1`, and a peer that takes it either way. @returns how it came */
  async function started(
    files: Readonly<Record<string, string>>,
    { modules = 'linked', args = ['index.js'], env = {}, socket = 'there' } = {},
  ) {
    const folder = await mkdtemp(join(tmpdir(), 'selvage-socket-'));
    scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await installed(folder, modules);
    const log = new HeardLog();
    const peer = scope.use(await testPeer({ runtime: new ScriptedRuntime(() => undefined), log, parts: { userRunsChaincode: true } }));
    const listener = await LocalListener.open({
      folder,
      ccid: 'cc:1',
      accept: (connection) => peer.support.serve(connection),
      processes: async () => [],
      budget: new ByteBudget({ perConnection: 1e9, total: 1e9 }),
      log,
    });
    if (listener === undefined) throw new Error('there is no socket');
    scope.use(listener);
    if (socket === 'gone') await listener[Symbol.asyncDispose]();
    const given = { SELVAGE_CHAINCODE_SOCKET: listener.path, NODE_OPTIONS: withRequired(PRELOAD), CORE_CHAINCODE_ID_NAME: 'cc:1', ...env };
    const program = scope.use(new StartedProgram(process.execPath, [...args, '--peer.address', peer.address], { cwd: folder, env: given }));
    await Promise.race([log.line(/^chaincode registered/), program.line(/never printed/)]);
    listener.registered();
    const way = await log.line(/local socket/);
    return { way: way.replace(/ of=.*/, ''), peer, program };
  }

  /** node_modules of a folder: those of the sample, or with the shim laid out otherwise. */
  async function installed(folder: string, modules: string): Promise<void> {
    const [from, to] = [join(sample ?? '', 'node_modules'), join(folder, 'node_modules')];
    if (modules === 'linked') return symlink(from, to);
    const others = (await readdir(from)).filter((name) => name !== 'fabric-shim');
    const store = modules === 'pnpm' ? join(to, '.pnpm', 'fabric-shim@2.5.8', 'node_modules') : to;
    await mkdir(store, { recursive: true });
    for (const name of others) await symlink(join(from, name), join(store, name));
    const place = join(store, modules === 'renamed' ? 'shim-of-ours' : 'fabric-shim');
    await cp(join(from, 'fabric-shim'), place, { recursive: true });
    if (modules === 'pnpm') await symlink(place, join(to, 'fabric-shim'));
    const handler = join(place, 'lib/handler.js');
    if (modules === 'changed') await writeFile(handler, `${await readFile(handler, 'utf8')}\n// patched`);
  }

  const MODULE = `import shim from 'fabric-shim'; shim.start({ ${KEYS} });`;

  it.each([
    ['in its usual place', 'handler=lean', { 'index.js': PROGRAM }, {}],
    ['below a store, as pnpm lays it out', 'handler=lean', { 'index.js': PROGRAM }, { modules: 'pnpm' }],
    ['from a module', 'handler=lean', { 'index.mjs': MODULE }, { args: ['index.mjs'] }],
    ['with the inspector open', 'handler=lean', { 'index.js': PROGRAM }, { args: ['--inspect=127.0.0.1:0', 'index.js'] }],
    ['of a version that is not known', 'handler=stream', { 'index.js': PROGRAM }, { modules: 'changed' }],
    [
      'under another name, as in a bundle',
      'came over gRPC',
      { 'index.js': PROGRAM.replace('fabric-shim', 'shim-of-ours') },
      { modules: 'renamed' },
    ],
    ['that finds nobody at the socket', 'came over gRPC', { 'index.js': PROGRAM }, { socket: 'gone' }],
    ['that sets NODE_OPTIONS itself', 'came over gRPC', { 'index.js': PROGRAM }, { env: { NODE_OPTIONS: '--no-warnings' } }],
  ])('with the shim %s: %s', async (_, way, files, options) => {
    const chaincode = await started(files as unknown as Readonly<Record<string, string>>, options);
    expect(chaincode.way).toContain(way);
    expect((await chaincode.peer.call('cc:1', 'x')).writes).toEqual(['put cc/k=v']);
    expect(chaincode.program.lines.join('\n')).not.toMatch(/throw|ENOENT|ECONN|warn/i);
  });

  it('tells every step at debug, as ever', async () => {
    const { peer, program } = await started({ 'index.js': PROGRAM }, { env: { CORE_CHAINCODE_LOGGING_LEVEL: 'debug' } });
    await peer.call('cc:1', 'x');
    await program.line(/Received chat message from peer: tx1/);
    await program.line(/handleGetState - with key/);
    await program.line(/Calling chaincode Invoke\(\) succeeded/);
  });

  it('can be no other chaincode than the one that the socket is for', async () => {
    const refused = started({ 'index.js': PROGRAM }, { env: { CORE_CHAINCODE_ID_NAME: 'other:1' } });
    await expect(refused).rejects.toThrow(/on error: .*peer will not accept external chaincode connection other:1/);
  });
});
