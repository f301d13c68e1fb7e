/** The chaincodes of `chaincodes/`, with the real shim from the npm registry, against a peer that keeps its state in a map. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import type { ChaincodeInstance } from '../../chaincode/ports/runtime.ts';
import { type GrpcServer, listen } from '../../comm/server.ts';
import { compareUtf8, textOf, utf8 } from '../../common/bytes.ts';
import { silent } from '../../common/log.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { NodePlatform } from '../../packages/platforms/node/node-platform.ts';
import { parseRegistry } from '../../packages/platforms/node/npm-registry.ts';
import { protos, queryresult } from '../../protos/messages.ts';
import { ProcessRuntime } from './process-runtime.ts';

const run = promisify(execFile);
const works = (file: string, ...args: readonly string[]): Promise<boolean> =>
  run(file, args, { timeout: 30_000 }).then(
    () => true,
    () => false,
  );
const online = fixtures !== undefined && (await works('npm', 'ping'));
const openssl = await works('openssl', 'version');

const T = protos.ChaincodeMessage_Type;
type Message = protos.ChaincodeMessage;

/** Speaks just enough of the peer's side: state in a map, history in a list, one transaction at a time. */
class MapPeer {
  readonly state = new Map<string, Uint8Array>();
  readonly #history: { readonly key: string; readonly txId: string; readonly value: Uint8Array; readonly isDelete: boolean }[] = [];
  readonly #proposal = protos.SignedProposal.decode(readFixture('v1.1/calls/28-invoke-put/endorse.request.pb'));
  #send: (message: protos.ChaincodeMessageInit) => Promise<void> = () => Promise.reject(new Error('not registered'));
  #done: (message: Message) => void = () => undefined;
  #registered: (name: string) => void = () => undefined;
  readonly registered = new Promise<string>((resolve) => {
    this.#registered = resolve;
  });
  #transactions = 0;

  readonly method = {
    kind: 'bidi' as const,
    path: '/protos.ChaincodeSupport/Register',
    handle: async (stream: { incoming: AsyncIterable<Uint8Array>; send(message: Uint8Array): Promise<void> }) => {
      this.#send = (message) => stream.send(protos.ChaincodeMessage.encode(message));
      for await (const bytes of stream.incoming) await this.#receive(protos.ChaincodeMessage.decode(bytes));
    },
  };

  async invoke(...args: readonly string[]) {
    this.#transactions += 1;
    const ended = new Promise<Message>((resolve) => {
      this.#done = resolve;
    });
    const payload = protos.ChaincodeInput.encode({ args: args.map((arg) => utf8(arg)) });
    await this.#send({ type: T.TRANSACTION, txid: `tx${this.#transactions}`, channelId: 'ch', payload, proposal: this.#proposal });
    const message = await ended;
    if (message.type === T.ERROR) return { status: 500, text: textOf(message.payload), event: undefined };
    const response = protos.Response.decode(message.payload);
    return {
      status: response.status,
      text: response.status < 400 ? textOf(response.payload) : response.message,
      event: message.chaincodeEvent,
    };
  }

  async #receive(message: Message): Promise<void> {
    const { type, payload, txid, channelId } = message;
    if (type === T.REGISTER) {
      await this.#send({ type: T.REGISTERED });
      await this.#send({ type: T.READY });
      this.#registered(protos.ChaincodeID.decode(payload).name);
    } else if (type === T.COMPLETED || type === T.ERROR) this.#done(message);
    else await this.#send({ type: T.RESPONSE, txid, channelId, payload: this.#answer(type, payload, txid) });
  }

  #answer(type: number, payload: Uint8Array, txId: string): Uint8Array {
    if (type === T.GET_STATE) return this.state.get(protos.GetState.decode(payload).key) ?? new Uint8Array();
    if (type === T.PUT_STATE) {
      const { key, value } = protos.PutState.decode(payload);
      return this.#write({ key, value: new Uint8Array(value), isDelete: false, txId });
    }
    if (type === T.DEL_STATE)
      return this.#write({ key: protos.DelState.decode(payload).key, value: new Uint8Array(), isDelete: true, txId });
    if (type === T.GET_STATE_BY_RANGE) return this.#range(protos.GetStateByRange.decode(payload));
    if (type === T.GET_HISTORY_FOR_KEY) return this.#historyOf(protos.GetHistoryForKey.decode(payload).key);
    return protos.QueryResponse.encode({});
  }

  #write(change: { key: string; value: Uint8Array; isDelete: boolean; txId: string }): Uint8Array {
    if (change.isDelete) this.state.delete(change.key);
    else this.state.set(change.key, change.value);
    this.#history.push(change);
    return new Uint8Array();
  }

  #range({ startKey, endKey }: protos.GetStateByRange): Uint8Array {
    const keys = [...this.state.keys()].filter((key) => compareUtf8(key, startKey) >= 0 && (endKey === '' || compareUtf8(key, endKey) < 0));
    const found = keys
      .sort(compareUtf8)
      .map((key) => ({ resultBytes: queryresult.KV.encode({ namespace: 'cc', key, value: this.state.get(key) }) }));
    return protos.QueryResponse.encode({ results: found, id: 'q' });
  }

  #historyOf(key: string): Uint8Array {
    const changes = this.#history.filter((change) => change.key === key).reverse();
    const timestamp = { seconds: 1n, nanos: 0 };
    return protos.QueryResponse.encode({
      results: changes.map((change) => ({ resultBytes: queryresult.KeyModification.encode({ ...change, timestamp }) })),
      id: 'q',
    });
  }
}

interface Started {
  readonly peer: MapPeer;
  readonly server: GrpcServer;
  readonly instance: ChaincodeInstance;
}

describe.skipIf(!online)('the sample chaincodes, with the shim from npm (skipped without network, npm or fixtures)', () => {
  let directory: string;
  let runtime: ProcessRuntime;
  const started: Started[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'selvage-samples-'));
    const platforms = [new NodePlatform({ registry: parseRegistry(process.env['NODE_REGISTRY']) })];
    runtime = new ProcessRuntime({ directory, platforms, host: process.env, mspId: 'Org1MSP', graceMs: 500 });
  });

  afterAll(async () => {
    await runtime[Symbol.asyncDispose]();
    for (const { server } of started) await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(name: string, tls?: Tls): Promise<MapPeer> {
    const peer = new MapPeer();
    const server = await listen({ address: '127.0.0.1:0', methods: [peer.method], log: silent, tls: tls?.server });
    const codePackage = await new NodePlatform().pack(resolve(import.meta.dirname, '../../../chaincodes', name));
    const peerAddress = `127.0.0.1:${server.port}`;
    const spec: LaunchSpec = {
      ccid: `${name}:1.0`,
      name,
      version: '1.0',
      platform: 'node',
      codePackage,
      path: '',
      peerAddress,
      env: {},
      tls: tls?.chaincode,
    };
    const instance = await runtime.launch(spec, { signal: new AbortController().signal });
    started.push({ peer, server, instance });
    const ended = instance.exited.then(({ code, lastOutput }) => `exited with ${code}: ${lastOutput.join('\n')}`);
    expect(await Promise.race([peer.registered, ended])).toBe(`${name}:1.0`);
    return peer;
  }

  it('asset-node keeps assets', async () => {
    const peer = await start('asset-node');
    const asset = { id: 'a1', owner: 'Ann', value: 10 };
    const created = await peer.invoke('CreateAsset', 'a1', 'Ann', '10');
    expect(JSON.parse(created.text)).toEqual(asset);
    expect([created.event?.eventName, textOf(created.event?.payload ?? new Uint8Array())]).toEqual(['AssetCreated', JSON.stringify(asset)]);
    expect(textOf(peer.state.get('a1') ?? new Uint8Array())).toBe('{"id":"a1","owner":"Ann","value":10}');
    expect(await peer.invoke('CreateAsset', 'a1', 'Ann', '10')).toMatchObject({ status: 500, text: 'the asset a1 already exists' });
    expect(await peer.invoke('CreateAsset', 'a2', 'Ann', 'much')).toMatchObject({ status: 500, text: 'the value much is not a number' });
    expect((await peer.invoke('TransferAsset', 'a1', 'Bob')).text).toBe('Ann');
    await peer.invoke('UpdateAsset', 'a1', '12');
    await peer.invoke('CreateAsset', 'b1', 'Cid', '1');
    expect(JSON.parse((await peer.invoke('ReadAsset', 'a1')).text)).toEqual({ id: 'a1', owner: 'Bob', value: 12 });
    expect(JSON.parse((await peer.invoke('ListAssets', 'a', 'b')).text)).toEqual([{ id: 'a1', owner: 'Bob', value: 12 }]);
    await peer.invoke('DeleteAsset', 'a1');
    expect((await peer.invoke('AssetExists', 'a1')).text).toBe('false');
    expect(await peer.invoke('ReadAsset', 'a1')).toMatchObject({ status: 500, text: 'the asset a1 does not exist' });
    const history: unknown[] = JSON.parse((await peer.invoke('AssetHistory', 'a1')).text);
    expect(history).toHaveLength(4);
    expect(history[0]).toMatchObject({ isDelete: true, asset: null });
  });

  it('kv-node asks for everything a chaincode can ask for', async () => {
    const peer = await start('kv-node');
    const text = async (...args: readonly string[]) => (await peer.invoke(...args)).text;
    expect(await text('put', 'a', '1', 'b', '2')).toBe('ok');
    expect(await text('putMulti', 'c', '3', 'd', '4')).toBe('ok');
    expect(await text('get', 'a')).toBe('1');
    expect([...peer.state.keys()]).toEqual(['a', 'b', 'c', 'd']);
    expect(await text('incr', 'a')).toBe('2');
    await text('del', 'c', 'd');
    expect(await text('range', 'a', 'c')).toBe('[{"k":"a","v":"2"},{"k":"b","v":"2"}]');
    expect(await text('rangefirst', 'a', 'c', '1')).toBe('[{"k":"a","v":"2"}]');
    expect(await text('ckput', 'colour', 'red', '7', 'x')).toBe('\0colour\0red\u00007\0');
    expect(JSON.parse(await text('ckrange', 'colour', 'red'))).toEqual([{ k: '\0colour\0red\u00007\0', v: 'x' }]);
    expect(JSON.parse(await text('history', 'c'))).toMatchObject([{ del: true }, { v: '3', del: false }]);
    expect(await text('getput', '3', 'n')).toBe('3');
    expect(peer.state.get('n0002')).toHaveLength(16);
    await text('big', 'large', '100000');
    expect(peer.state.get('large')).toHaveLength(100_000);
    expect(await peer.invoke('noop')).toMatchObject({ status: 200, text: '' });
    expect(await peer.invoke('sleep', '1')).toMatchObject({ status: 200 });
    const announced = await peer.invoke('event', 'news', 'body');
    expect([announced.text, announced.event?.eventName]).toEqual(['sent', 'news']);
    expect(await peer.invoke('status', '404', 'not here')).toMatchObject({ status: 404, text: 'not here' });
    expect(await peer.invoke('error', 'boom')).toMatchObject({ status: 500, text: 'boom' });
    expect(await peer.invoke('toString')).toMatchObject({ status: 500, text: 'unknown function toString' });
    expect(JSON.parse(await text('who'))).toMatchObject({ mspid: expect.stringContaining('MSP'), channel: 'ch' });
  });

  it.skipIf(!openssl)('registers over mutual TLS with the files it is given', async () => {
    const peer = await start('kv-node', await makeTls(directory));
    expect(await peer.invoke('put', 'a', '1')).toMatchObject({ status: 200, text: 'ok' });
  });
});

interface Tls {
  readonly server: { readonly key: string; readonly cert: string; readonly clientRoots: readonly string[] };
  readonly chaincode: NonNullable<LaunchSpec['tls']>;
}

/** One self-made authority for both sides, as a peer's chaincode server has it. */
async function makeTls(directory: string): Promise<Tls> {
  const at = (name: string) => join(directory, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', ['req', '-x509', ...curve, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=ca', '-days', '1']);
  for (const name of ['server', 'client']) {
    const signed = [
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-addext',
      'basicConstraints=CA:FALSE',
    ];
    await run('openssl', [
      'req',
      '-x509',
      ...curve,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.crt`),
      '-subj',
      `/CN=${name}`,
      '-days',
      '1',
      ...signed,
    ]);
  }
  const text = (name: string) => readFile(at(name), 'utf8');
  const root = await text('ca.crt');
  return {
    server: { key: await text('server.key'), cert: await text('server.crt'), clientRoots: [root] },
    chaincode: { clientKey: await text('client.key'), clientCert: await text('client.crt'), rootCert: root },
  };
}
