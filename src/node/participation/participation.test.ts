import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { computeUpdate } from '../../../test/compute-update.ts';
import { bundleOf, genesisOf, type NodeFiles, organization, writtenNode } from '../../../test/fakes/small-network.ts';
import { joinOrderer } from '../../client/participation-client.ts';
import { concatBytes } from '../../common/bytes.ts';
import { silent } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { configEnvelopeOfBlock } from '../../msp/channelconfig/config-block.ts';
import { genesisLike } from '../../msp/channelconfig/genesis-block.ts';
import type { Organization } from '../../msp/material/organization.ts';
import { common, orderer } from '../../protos/messages.ts';
import { readPem } from '../files.ts';
import { loadSigner } from '../membership.ts';
import { type OrdererNode, startOrderer } from '../start-orderer.ts';

let member: Organization;
let own: Organization;
let other: Organization;
let genesis: common.Block;
beforeAll(async () => {
  [member, own, other] = await Promise.all([organization('peer', 'Org1'), organization('orderer', 'One'), organization('orderer', 'Two')]);
  genesis = genesisOf({ peers: [member], orderers: [[own, ['localhost:7050']]] });
});

let folder: string;
let scope: Scope;
let files: NodeFiles;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'selvage-participation-'));
  scope.defer(() => rm(folder, { recursive: true }));
  files = await writtenNode(folder, own);
});
afterEach(() => scope[Symbol.asyncDispose]());

function start(blocks: readonly common.Block[] = []): Promise<OrdererNode> {
  const tls = { keyFile: files.keyFile, certFile: files.certFile, clientRootFiles: [files.rootFile] };
  return startOrderer(
    {
      listenAddress: '127.0.0.1:0',
      mspConfigPath: files.msp,
      localMspId: 'OneMSP',
      tls: { ...tls, clientAuthRequired: false },
      folder: join(folder, 'blocks'),
      cut: 'instant',
      admin: { listenAddress: '127.0.0.1:0', tls: { ...tls, clientAuthRequired: true } },
    },
    blocks,
    { log: silent },
  );
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly certificate?: boolean;
}

async function call(node: OrdererNode, method: string, path: string, { headers = {}, body, certificate = true }: Sent = {}) {
  const ca = await readPem(files.rootFile);
  const known = certificate ? { key: files.tls.key, cert: files.tls.cert } : {};
  return new Promise<{ status: number; headers: Readonly<Record<string, unknown>>; body: Buffer; said: unknown }>((resolve, reject) => {
    const url = `https://localhost:${node.adminPort}/participation/v1${path}`;
    const sent = httpsRequest(url, { method, headers, ca, ...known, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('end', () => {
        const all = Buffer.concat(chunks);
        const isJson = response.headers['content-type'] === 'application/json';
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: all,
          said: isJson ? JSON.parse(all.toString()) : all.toString(),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const BOUNDARY = '----b';
const TYPE = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const part = (name: string, content: Uint8Array, file = true): Buffer =>
  Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file ? '; filename="f"' : ''}\r\n\r\n`),
    content,
    Buffer.from('\r\n'),
  ]);
const form = (...parts: readonly Buffer[]): Sent => ({
  headers: TYPE,
  body: Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]),
});
const posted = (node: OrdererNode, block: common.Block) =>
  call(node, 'POST', '/channels', form(part('config-block', common.Block.encode(block))));
const named = (name: string, like = genesis): common.Block =>
  common.Block.decode(common.Block.encode(genesisLike(like, name, { now: new Date(), nonce: randomBytes(24) })));

/** An update of the batch timeout, which the orderers' admin signs. */
async function update(channelId: string, signed = true): Promise<common.Envelope> {
  const { config } = bundleOf(named(channelId));
  const group = config.channelGroup as common.ConfigGroup;
  const orderers = group.groups.get('Orderer') as common.ConfigGroup;
  const value = { ...(orderers.values.get('BatchTimeout') as common.ConfigValue), value: orderer.BatchTimeout.encode({ timeout: '3s' }) };
  const changed = { ...orderers, values: new Map([...orderers.values, ['BatchTimeout', value]]) };
  const updated = { ...config, channelGroup: { ...group, groups: new Map([...group.groups, ['Orderer', changed]]) } };
  const configUpdate = common.ConfigUpdate.encode(computeUpdate(config, updated, channelId));
  const admin = await loadSigner(join(files.msp, '..', '..', '..', 'users', 'Admin@one.example.com', 'msp'), 'OneMSP');
  const signatureHeader = common.SignatureHeader.encode({ creator: admin.serialized, nonce: randomBytes(24) });
  const signature = await admin.sign(concatBytes(signatureHeader, configUpdate));
  const data = common.ConfigUpdateEnvelope.encode({ configUpdate, signatures: signed ? [{ signatureHeader, signature }] : [] });
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.CONFIG_UPDATE, channelId });
  const payload = common.Payload.encode({ header: { channelHeader, signatureHeader }, data });
  return common.Envelope.decode(common.Envelope.encode({ payload, signature: await admin.sign(payload) }));
}
const put = (node: OrdererNode, envelope: common.Envelope) =>
  call(node, 'PUT', '/channels', form(part('config-update-envelope', common.Envelope.encode(envelope))));

describe('the channel participation API', () => {
  it('begins a channel, tells of it, and removes it, for who has a certificate', async () => {
    await using node = await start();
    expect((await call(node, 'GET', '/channels')).said).toEqual({ systemChannel: null, channels: null });
    const joined = await posted(node, genesis);
    const url = '/participation/v1/channels/small';
    const info = { name: 'small', url, consensusRelation: 'other', status: 'active', height: 1 };
    expect(joined).toMatchObject({ status: 201, said: info, headers: { location: url } });
    expect(await call(node, 'GET', '/channels')).toMatchObject({
      status: 200,
      said: { systemChannel: null, channels: [{ name: 'small', url }] },
      headers: { 'cache-control': 'no-store' },
    });
    expect(await call(node, 'GET', '/channels/small')).toMatchObject({ status: 200, said: info });
    expect(await call(node, 'DELETE', '/channels/small', { certificate: false })).toMatchObject({ status: 401 });
    expect(await call(node, 'DELETE', '/channels/small')).toMatchObject({ status: 204, said: '' });
    expect(await call(node, 'GET', '/channels/small')).toMatchObject({ status: 404, said: { error: 'channel does not exist' } });
    expect(await call(node, 'DELETE', '/channels/small')).toMatchObject({
      status: 404,
      said: { error: 'cannot remove: channel does not exist' },
    });
    expect(await posted(node, genesis)).toMatchObject({ status: 201 });
  });

  it('keeps what was joined over a restart, and what was removed stays away', async () => {
    {
      await using node = await start([genesis]);
      for (const name of ['second', 'third']) expect((await posted(node, named(name))).status).toBe(201);
      for (const name of ['small', 'third']) expect((await call(node, 'DELETE', `/channels/${name}`)).status).toBe(204);
    }
    await using node = await start([genesis]);
    const { said } = await call(node, 'GET', '/channels');
    expect(said).toEqual({ systemChannel: null, channels: [{ name: 'second', url: '/participation/v1/channels/second' }] });
    const kept = await readdir(join(folder, 'blocks'), { withFileTypes: true });
    expect(kept.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)).toEqual(['second']);
  });

  it('refuses blocks that begin no channel here', async () => {
    await using node = await start([genesis]);
    const refused = (status: number, error: unknown) => ({ status, said: { error } });
    expect(await posted(node, genesis)).toMatchObject({
      ...refused(405, 'cannot join: channel already exists'),
      headers: { allow: 'GET, DELETE' },
    });
    expect(await posted(node, { ...genesis, data: { data: [] } })).toMatchObject(
      refused(400, 'invalid join block: block is not a config block'),
    );
    expect(await posted(node, { ...genesis, metadata: undefined })).toMatchObject(
      refused(400, 'invalid join block: invalid block: does not have metadata'),
    );
    const header = genesis.header && { ...genesis.header, dataHash: new Uint8Array(32) };
    expect(await posted(node, { ...genesis, header })).toMatchObject(
      refused(400, 'invalid join block: invalid block: Header.DataHash is different from Hash(block.Data)'),
    );
    const foreign = genesisOf({ peers: [member], orderers: [[other, ['localhost:7050']]] });
    expect(await posted(node, named('foreign', foreign))).toMatchObject(
      refused(
        400,
        expect.stringMatching(
          /^cannot join: blocks of this orderer, which is of OneMSP, do not satisfy \/Channel\/Orderer\/BlockValidation/,
        ),
      ),
    );
    const later = named('later');
    expect(await posted(node, { ...later, header: later.header && { ...later.header, number: 7n } })).toMatchObject(
      refused(400, expect.stringMatching(/^cannot join: .*begins with its block 0$/)),
    );
    expect(configEnvelopeOfBlock(later).config.sequence).toBe(0n);
    expect(((await call(node, 'GET', '/channels')).said as { channels: unknown[] }).channels).toHaveLength(1);
  });

  it('refuses forms that are none, and more than it takes', async () => {
    await using node = await start();
    const block = part('config-block', common.Block.encode(genesis));
    const error = async (sent: Sent) => {
      const { status, said } = await call(node, 'POST', '/channels', sent);
      expect(status).toBe(400);
      return (said as { error: string }).error;
    };
    expect(await error(form(part('block', new Uint8Array(1))))).toBe('form does not contains part key: config-block');
    expect(await error(form(part('config-block', new Uint8Array(1), false)))).toBe('form does not contains part key: config-block');
    expect(await error(form(block, part('more', new Uint8Array(1))))).toBe('form contains too many parts');
    expect(await error(form(part('config-block', new Uint8Array([0xff]))))).toMatch(
      /^cannot unmarshal file part config-block into a block: proto/,
    );
    expect(await error({ headers: TYPE, body: Buffer.from('no form') })).toBe(
      'cannot read form from request body: multipart: NextPart: EOF',
    );
    expect(await error({ headers: TYPE, body: block })).toBe('cannot read form from request body: multipart: NextPart: EOF');
    expect(await error({ headers: { 'content-type': 'multipart/form-data' }, body: block })).toMatch(/boundary is empty$/);
    expect(await error({ headers: { 'content-type': 'text/plain' }, body: block })).toBe('unsupported Content-Type: [text/plain]');
    expect(await error(form(part('config-block', new Uint8Array(1024 * 1024))))).toMatch(/http: request body too large$/);
  });

  it('gives blocks by name and number', async () => {
    await using node = await start([genesis]);
    for (const which of ['newest', 'oldest', 'config', '0']) {
      const { status, headers, body } = await call(node, 'GET', `/channels/small/blocks/${which}`);
      expect([status, headers['content-type']]).toEqual([200, 'application/octet-stream']);
      expect(common.Block.decode(body).header?.number).toBe(0n);
    }
    const get = async (path: string) => {
      const { status, said } = await call(node, 'GET', path);
      return [status, (said as { error: string }).error];
    };
    expect(await get('/channels/small/blocks/1')).toEqual([404, 'no such block number [1] in index']);
    expect(await get('/channels/small/blocks/last')).toEqual([400, "invalid block ID: 'last' not equal <newest|oldest|config|(number)>"]);
    expect(await get('/channels/other/blocks/0')).toEqual([404, 'channel does not exist']);
  });

  it('has updates ordered that may be', async () => {
    await using node = await start([genesis]);
    expect(await put(node, await update('small'))).toMatchObject({ status: 201, said: { name: 'small' } });
    expect(await put(node, await update('elsewhere'))).toMatchObject({
      status: 405,
      said: { error: 'cannot update: channel does not exist' },
    });
    expect(await put(node, await update('small', false))).toMatchObject({
      status: 400,
      said: { error: expect.stringMatching(/^cannot update: failed update config of channel small: error applying config update/) },
    });
    const bad = common.Envelope.decode(common.Envelope.encode({ payload: new Uint8Array([0xff]) }));
    expect(await put(node, bad)).toMatchObject({ status: 400, said: { error: 'invalid config update envelope: bad payload' } });
    expect(await call(node, 'GET', '/channels')).toMatchObject({ status: 200 }); // what was refused leaves nothing held
  });

  it('says what it does not do', async () => {
    await using node = await start([genesis]);
    const answers = async (method: string, path: string, headers = {}) => {
      const { status, said, headers: sent } = await call(node, method, path, { headers });
      return [status, (said as { error?: string }).error, sent['allow']];
    };
    expect(await answers('PATCH', '/channels')).toEqual([405, 'invalid request method: PATCH', 'GET, POST, PUT']);
    expect(await answers('PUT', '/channels/small')).toEqual([405, 'invalid request method: PUT', 'GET, DELETE']);
    expect(await answers('DELETE', '/channels/small/blocks/0')).toEqual([405, 'invalid request method: DELETE', 'GET']);
    expect(await answers('GET', '/channels/Small')).toEqual([400, "invalid channel ID: 'Small' contains illegal characters", undefined]);
    const html = { accept: 'text/html' };
    expect(await answers('GET', '/channels', html)).toEqual([406, 'response Content-Type is application/json only', undefined]);
    expect((await call(node, 'GET', '/')).headers['location']).toBe('/participation/v1/channels');
    expect((await call(node, 'GET', '/other')).status).toBe(404);
  });

  it('is what our own client speaks', async () => {
    await using node = await start();
    const tls = { roots: await readPem(files.rootFile), ...files.tls };
    const target = { address: `localhost:${node.adminPort}`, tls };
    const options = { signal: new AbortController().signal };
    await joinOrderer(target, common.Block.encode(genesis), options);
    await expect(joinOrderer(target, common.Block.encode(genesis), options)).rejects.toMatchObject({ code: 'CHANNEL_EXISTS' });
    await expect(joinOrderer(target, new Uint8Array(3), options)).rejects.toMatchObject({
      code: 'REFUSED_BY_PEER',
      message: expect.stringContaining('answered 400'),
    });
    await expect(joinOrderer({ ...target, address: 'localhost:1' }, new Uint8Array(), options)).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
    });
  });
});
