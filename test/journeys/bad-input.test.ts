import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OrdererClient } from '../../src/client/orderer-client.ts';
import { PeerClient } from '../../src/client/peer-client.ts';
import { createProposal, timestamp } from '../../src/client/proposal.ts';
import { seekEnvelope } from '../../src/client/seek.ts';
import { evaluate, submit } from '../../src/client/submit.ts';
import { chainInfo } from '../../src/client/system-calls.ts';
import { assembleTransaction, signEnvelope } from '../../src/client/transaction.ts';
import { GrpcClient } from '../../src/comm/client.ts';
import type { ClientTls } from '../../src/comm/tls.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { ordererFolder, peerFolder, userFolder } from '../../src/node/dev/dev-material.ts';
import { txIdOf } from '../../src/protos/hashes.ts';
import { common, orderer, protos } from '../../src/protos/messages.ts';
import { chaincodeFolder } from './faulty-chaincode.ts';
import { mutated, seeded } from './mutations.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';
import { RawChaincode } from './raw-chaincode.ts';

const CHANNEL = 'mychannel';
const PROCESS_PROPOSAL = '/protos.Endorser/ProcessProposal';
const MIB = 1024 * 1024;

/** Whatever arrives at the ports of a running network, it answers in a sentence, and goes on. */
describe('bad input', () => {
  let folder: string;
  let running: TestNetwork;
  let peer: GrpcClient;
  let ordering: GrpcClient;
  let peerTls: ClientTls & { readonly roots: Uint8Array };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-bad-input-'));
    running = await testNetwork();
    const { plan, folders } = running.network;
    peerTls = { roots: await readFile(join(peerFolder(folders, thePeer()), 'tls', 'ca.crt')), hostnameOverride: thePeer().host };
    const ordererTls = {
      roots: await readFile(join(ordererFolder(folders, plan.orderer), 'tls', 'ca.crt')),
      hostnameOverride: plan.orderer.host,
    };
    peer = new GrpcClient({ address: peerAddress(), tls: peerTls });
    ordering = new GrpcClient({ address: `localhost:${plan.orderer.port}`, tls: ordererTls });
    await running.deployFolder('cc', await chaincodeFolder(folder, 'cc'));
  });

  afterAll(async () => {
    peer?.[Symbol.dispose]();
    ordering?.[Symbol.dispose]();
    await running?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  function thePeer() {
    const [first] = running.network.plan.peers;
    if (first === undefined) throw new Error('no peer');
    return first;
  }
  const peerAddress = (): string => `localhost:${thePeer().port}`;
  const signer = () => running.clients.user.signer;
  const call = async (...args: string[]): Promise<Uint8Array> =>
    (await evaluate(running.clients.user.peer, signer(), { channelId: CHANNEL, chaincode: 'cc', args }, { signal: never })).payload;

  /** Endorses, orders and commits, and peer and orderer agree on the height. */
  async function expectWorking(): Promise<void> {
    const { user, admins, orderer: client } = running.clients;
    const key = randomBytes(8).toString('hex');
    const parts = { signer: user.signer, endorsers: [user.peer], orderer: client, listeners: admins.map((admin) => admin.peer) };
    const { commit } = await submit(parts, { channelId: CHANNEL, chaincode: 'cc', args: ['put', key, 'v'] }, { signal: never });
    expect(commit?.codeName).toBe('VALID');
    expect(textOf(await call('get', key))).toBe('v');
  }

  /** What a client may hear: a reply with a status, or a refusal with a text that says more than that something went wrong. */
  async function expectAnswer(request: Uint8Array): Promise<void> {
    const answer = await peer.unary(PROCESS_PROPOSAL, request, { signal: never }).catch(SelvageError.from);
    if (answer instanceof SelvageError) {
      expect(answer).toMatchObject({
        code: 'REFUSED_BY_PEER',
        details: { grpcStatus: expect.toSatisfy((status) => status === 2 || status === 13) },
      });
      expectSentence(answer.message);
    } else {
      const { response } = protos.ProposalResponse.decode(answer);
      expect(response?.status).toBeGreaterThanOrEqual(200);
      if (response?.status !== 200) expectSentence(response?.message ?? '');
    }
  }

  function expectSentence(text: string): void {
    expect(text).not.toBe('');
    expect(text).not.toMatch(/internal error|undefined|\[object|\.ts:|TypeError|is not a function/);
  }

  describe('proposals', () => {
    /** One proposal in its parts; the outer ones are made around whatever the inner ones became, and signed. */
    async function parts() {
      const nonce = randomBytes(24);
      const chaincodeId = { name: 'cc' };
      const creator = signer().serialized;
      return {
        extension: protos.ChaincodeHeaderExtension.encode({ chaincodeId }),
        signatureHeader: common.SignatureHeader.encode({ creator, nonce }),
        txId: txIdOf(nonce, creator),
        input: protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: { chaincodeId, input: { args: [utf8('tree')] } } }),
      };
    }
    type Level = 'request' | 'proposal' | 'header' | 'channel header' | 'extension' | 'signature header' | 'payload' | 'input' | 'creator';

    async function assembled(level: Level, change: (bytes: Uint8Array) => Uint8Array): Promise<Uint8Array> {
      const at = (here: Level, bytes: Uint8Array): Uint8Array => (here === level ? change(bytes) : bytes);
      const { extension, txId, input, signatureHeader } = await parts();
      const { creator, nonce } = common.SignatureHeader.decode(signatureHeader);
      const channelHeader = common.ChannelHeader.encode({
        type: common.HeaderType.ENDORSER_TRANSACTION,
        timestamp: timestamp(),
        channelId: CHANNEL,
        txId,
        extension: at('extension', extension),
      });
      const header = common.Header.encode({
        channelHeader: at('channel header', channelHeader),
        signatureHeader: at('signature header', common.SignatureHeader.encode({ creator: at('creator', creator), nonce })),
      });
      const payload = protos.ChaincodeProposalPayload.encode({ input: at('input', input) });
      const proposal = protos.Proposal.encode({ header: at('header', header), payload: at('payload', payload) });
      const proposalBytes = at('proposal', proposal);
      return at('request', protos.SignedProposal.encode({ proposalBytes, signature: await signer().sign(proposalBytes) }));
    }

    const levels: readonly Level[] = [
      'request',
      'proposal',
      'header',
      'channel header',
      'extension',
      'signature header',
      'creator',
      'payload',
      'input',
    ];

    it.each(levels)('mutated at the level of the %s are answered in a sentence', async (level) => {
      const original = await new Promise<Uint8Array>((resolve, reject) => {
        const seen = (bytes: Uint8Array): Uint8Array => {
          resolve(bytes);
          return bytes;
        };
        assembled(level, seen).catch(reject);
      });
      await fc.assert(
        fc.asyncProperty(mutated(original), async (bytes) => expectAnswer(await assembled(level, () => bytes))),
        seeded(40),
      );
      await expectAnswer(await assembled(level, () => new Uint8Array(0)));
      await expectAnswer(await assembled(level, () => new Uint8Array(randomBytes(1000))));
    });

    it('whose inner messages are nested without end are answered', async () => {
      const nested = Array.from({ length: 20_000 }).reduce<Buffer>((inner) => Buffer.concat([Buffer.from([0x0b]), inner]), Buffer.alloc(0));
      for (const level of levels) await expectAnswer(await assembled(level, () => nested));
    });
  });

  describe('limits', () => {
    it('of 100 MiB per message: says so, with the status that means it', async () => {
      const client = new Client(peerAddress(), credentials.createSsl(Buffer.from(peerTls.roots)), {
        'grpc.max_send_message_length': -1,
        'grpc.ssl_target_name_override': thePeer().host,
        'grpc.default_authority': thePeer().host,
      });
      const refused = await new Promise<ServiceError | null>((resolve) => {
        const asIs = (bytes: Buffer): Buffer => bytes;
        client.makeUnaryRequest(PROCESS_PROPOSAL, asIs, asIs, Buffer.alloc(100 * MIB + 1), (error) => resolve(error));
      });
      client.close();
      expect(refused).toMatchObject({ code: 8, details: expect.stringMatching(/larger than max|max.*104857600/) });
      await expectWorking();
    });

    it('of the orderer: names the size and the limit', async () => {
      const large = await signEnvelope(
        signer(),
        common.Payload.encode({ header: await headerFor(common.HeaderType.ENDORSER_TRANSACTION), data: new Uint8Array(12 * MIB) }),
      );
      const { status, info } = await broadcast(large);
      expect(status).toBe(common.Status.BAD_REQUEST);
      expect(info).toMatch(/message payload is \d+ bytes and exceeds maximum allowed \d+ bytes/);
    });

    it('of names: one of a megabyte is refused in a line that fits', async () => {
      for (const channelId of ['x'.repeat(MIB), '\u0000\n\u{1F9F5}'.repeat(1000)]) {
        const { signed } = await createProposal(signer(), { channelId, chaincode: 'cc', args: [] });
        await expectAnswer(protos.SignedProposal.encode(signed));
      }
      const { signed } = await createProposal(signer(), { channelId: CHANNEL, chaincode: 'y'.repeat(MIB), args: [] });
      await expectAnswer(protos.SignedProposal.encode(signed));
    });
  });

  describe('channels and clocks', () => {
    it('that nobody knows: the proposal is refused as Fabric does', async () => {
      const { signed } = await createProposal(signer(), { channelId: 'nowhere', chaincode: 'cc', args: ['tree'] });
      const { response } = await running.clients.user.peer.endorse(signed, { signal: never }); // peers of 2.x answer, those of 1.1 throw
      expect(response).toMatchObject({ status: 500, message: "channel 'nowhere' not found" });
      expect(await firstDelivered(peer, '/protos.Deliver/Deliver', await seekEnvelope(signer(), 'nowhere', { start: 0n }))).toBe(
        'status 404',
      );
      expect((await broadcast(await envelopeFor('nowhere'))).status).toBe(common.Status.NOT_FOUND);
    });

    it.each([-60, 60])('%d minutes off: a request for blocks is refused with 400, a proposal is not', async (minutes) => {
      const sent = timestamp(new Date(Date.now() + minutes * 60_000));
      const header = await headerFor(common.HeaderType.DELIVER_SEEK_INFO, sent);
      const data = orderer.SeekInfo.encode({ start: { oldest: {} }, stop: { oldest: {} } });
      const envelope = await signEnvelope(signer(), common.Payload.encode({ header, data }));
      expect(await firstDelivered(peer, '/protos.Deliver/Deliver', envelope)).toBe('status 400');
      expect(await firstDelivered(peer, '/protos.Deliver/DeliverFiltered', envelope)).toBe('status 400');
    });
  });

  async function headerFor(type: number, sent = timestamp(), channelId = CHANNEL) {
    const nonce = randomBytes(24);
    const creator = signer().serialized;
    return {
      channelHeader: common.ChannelHeader.encode({ type, timestamp: sent, channelId, txId: txIdOf(nonce, creator) }),
      signatureHeader: common.SignatureHeader.encode({ creator, nonce }),
    };
  }

  const envelopeFor = async (channelId: string): Promise<Uint8Array> =>
    signEnvelope(
      signer(),
      common.Payload.encode({ header: await headerFor(common.HeaderType.ENDORSER_TRANSACTION, timestamp(), channelId) }),
    );

  /** What a call hears, as in Go, whose message is no envelope at all. */
  const NO_MESSAGE = 'gRPC status 13';

  function grpcRefusal(thrown: unknown): string {
    const refused = SelvageError.from(thrown);
    expectSentence(refused.message);
    return `gRPC status ${refused.details['grpcStatus']}`;
  }

  async function broadcast(envelope: Uint8Array): Promise<orderer.BroadcastResponse> {
    using stream = ordering.bidi('/orderer.AtomicBroadcast/Broadcast', { signal: new AbortController().signal });
    await stream.send(envelope);
    stream.end();
    for await (const bytes of stream.incoming) return orderer.BroadcastResponse.decode(bytes);
    throw new Error('no answer');
  }

  /** What comes first: `block`, `status N`, or an error's text. */
  async function firstDelivered(client: GrpcClient, path: string, request: Uint8Array): Promise<string> {
    using stream = client.bidi(path, { signal: new AbortController().signal }); // many at a time would crowd a shared one
    await stream.send(request);
    try {
      for await (const bytes of stream.incoming) {
        const { status } = protos.DeliverResponse.decode(bytes); // the same fields as the orderer's
        return status === undefined ? 'block' : `status ${status}`;
      }
    } catch (thrown) {
      return grpcRefusal(thrown);
    }
    return 'ended';
  }

  describe('envelopes', () => {
    it('mutated at any level are refused, or ordered and flagged, and the peer goes on', async () => {
      const { user } = running.clients;
      const proposal = await createProposal(signer(), { channelId: CHANNEL, chaincode: 'cc', args: ['put', 'a', 'b'] });
      const envelope = await assembleTransaction(signer(), proposal, [await user.peer.endorse(proposal.signed, { signal: never })]);
      const { payload } = common.Envelope.decode(envelope);
      const { header, data } = common.Payload.decode(payload);
      const [action] = protos.Transaction.decode(data).actions;
      const ordered = async (bytes: Uint8Array): Promise<void> => {
        const answer = await broadcast(bytes).catch(grpcRefusal);
        if (typeof answer === 'string') expect(answer).toBe(NO_MESSAGE);
        else expect([200, 400, 403, 404]).toContain(answer.status);
        if (typeof answer !== 'string' && answer.status !== 200) expectSentence(answer.info);
      };
      const around = async (changed: common.PayloadInit): Promise<void> =>
        ordered(await signEnvelope(signer(), common.Payload.encode({ header, data, ...changed })));
      const runs: readonly [Uint8Array, (bytes: Uint8Array) => Promise<void>][] = [
        [envelope, ordered],
        [payload, async (bytes) => ordered(await signEnvelope(signer(), bytes))],
        [header?.channelHeader ?? payload, (bytes) => around({ header: { ...header, channelHeader: bytes } })],
        [header?.signatureHeader ?? payload, (bytes) => around({ header: { ...header, signatureHeader: bytes } })],
        [data, (bytes) => around({ data: bytes })],
        [
          action?.payload ?? payload,
          (bytes) => around({ data: protos.Transaction.encode({ actions: [{ header: action?.header, payload: bytes }] }) }),
        ],
      ];
      for (const [original, send] of runs) await fc.assert(fc.asyncProperty(mutated(original), send), seeded(25));
      const header2 = await headerFor(common.HeaderType.CONFIG_UPDATE);
      const update = common.ConfigUpdateEnvelope.encode({
        configUpdate: common.ConfigUpdate.encode({ channelId: CHANNEL }),
        signatures: [],
      });
      await fc.assert(
        fc.asyncProperty(mutated(update), async (bytes) =>
          ordered(await signEnvelope(signer(), common.Payload.encode({ header: header2, data: bytes }))),
        ),
        seeded(25),
      );
      await expectWorking();
    });

    it('that ask for blocks, mutated at any level, are answered by peer and orderer', async () => {
      const envelope = await seekEnvelope(signer(), CHANNEL, { start: 0n, stop: 1n });
      const { payload } = common.Envelope.decode(envelope);
      const { header, data } = common.Payload.decode(payload);
      const signed = (bytes: Uint8Array) => signEnvelope(signer(), bytes);
      const around = (changed: common.PayloadInit) => signed(common.Payload.encode({ header, data, ...changed }));
      const requests = await Promise.all([
        ...fc.sample(mutated(envelope), seeded(25)),
        ...fc.sample(mutated(payload), seeded(25)).map(signed),
        ...fc
          .sample(mutated(header?.channelHeader ?? payload), seeded(25))
          .map((bytes) => around({ header: { ...header, channelHeader: bytes } })),
        ...fc.sample(mutated(data), seeded(25)).map((bytes) => around({ data: bytes })),
      ]);
      const paths: readonly [GrpcClient, string][] = [
        [peer, '/protos.Deliver/Deliver'],
        [peer, '/protos.Deliver/DeliverFiltered'],
        [ordering, '/orderer.AtomicBroadcast/Deliver'],
      ];
      const answers = paths.flatMap(([client, path]) => requests.map((request) => firstDelivered(client, path, request)));
      await expectWorking(); // the block after the last, which some of the requests now mean
      for (const answer of await Promise.all(answers)) expect(answer).toMatch(new RegExp(`^(block|status (400|403|404)|${NO_MESSAGE})$`));
    });
  });

  describe('connections', () => {
    const refusalOf = async (client: PeerClient | OrdererClient): Promise<SelvageError> => {
      using closing = client;
      const blocks = closing.blocks(signer(), CHANNEL, { start: 0n, stop: 0n }, { signal: never });
      return SelvageError.from(await blocks.next().catch((thrown: unknown) => thrown));
    };

    it('without TLS or with another authority do not come through, and say why', async () => {
      const { folders, plan } = running.network;
      const other = await readFile(join(ordererFolder(folders, plan.orderer), 'tls', 'ca.crt'));
      expect((await refusalOf(new PeerClient({ address: peerAddress() }))).code).toBe('PEER_UNREACHABLE');
      const wrong = await refusalOf(new PeerClient({ address: peerAddress(), tls: { ...peerTls, roots: other } }));
      expect([wrong.code, wrong.message]).toEqual(['PEER_UNREACHABLE', expect.stringMatching(/certificate/)]);
      const named = await refusalOf(
        new PeerClient({ address: peerAddress(), tls: { ...peerTls, hostnameOverride: 'somebody.example.com' } }),
      );
      expect([named.code, named.message]).toEqual(['PEER_UNREACHABLE', expect.stringMatching(/somebody\.example\.com/)]);
      expect((await refusalOf(new OrdererClient({ address: ordering.address }))).code).toBe('PEER_UNREACHABLE');
    });

    it('that speak something else are closed', async () => {
      for (const port of [thePeer().port, thePeer().chaincodePort, running.network.plan.orderer.port]) {
        for (const said of ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', randomBytes(5000), Buffer.alloc(0)]) await closedAfter(port, said);
      }
      await expectWorking();
    });
  });

  describe('the chaincode port', () => {
    const address = (): string => `127.0.0.1:${thePeer().chaincodePort}`;
    const material = async (chaincode: string): Promise<ClientTls> => {
      const fileOf = async (variable: string): Promise<Uint8Array> =>
        (
          await evaluate(
            running.clients.user.peer,
            signer(),
            { channelId: CHANNEL, chaincode, args: ['fileOf', variable] },
            { signal: never },
          )
        ).payload;
      return {
        roots: await fileOf('CORE_PEER_TLS_ROOTCERT_FILE'),
        key: await fileOf('CORE_TLS_CLIENT_KEY_FILE'),
        cert: await fileOf('CORE_TLS_CLIENT_CERT_FILE'),
      };
    };
    const claim = async (ccid: string, tls?: ClientTls): Promise<string> => {
      using raw = new RawChaincode({ address: address(), tls }, () => undefined);
      return await raw.register(ccid).then(
        () => 'registered',
        (thrown: unknown) => SelvageError.from(thrown).message,
      );
    };

    it('takes nobody without a certificate of a launch', async () => {
      const own = await material('cc');
      const { folders } = running.network;
      const user = join(userFolder(folders, thePeer(), 'User1'), 'msp');
      expect(await claim('cc:1')).toContain('cannot reach');
      expect(await claim('cc:1', { roots: own.roots })).toContain('cannot reach');
      const foreign = { roots: own.roots, key: await readPemIn(join(user, 'keystore')), cert: await readPemIn(join(user, 'signcerts')) };
      expect(await claim('cc:1', foreign)).toContain('cannot reach');
      await expectWorking();
    });

    it('lets a certificate register no other name, and none at all when its launch is over', async () => {
      await running.deployFolder('second', join(folder, 'cc'));
      const first = await material('cc');
      const second = await material('second');
      expect(await claim('cc:1', second)).toContain('belongs to a different chaincode');
      expect(await claim('nobody:1', second)).toContain('belongs to a different chaincode');
      expect(await claim('cc:1', first)).toContain('duplicate chaincodeID: cc:1');
      await call('exit', '1').catch(() => undefined);
      await expectWorking();
      expect(await claim('cc:1', first)).toContain('not found in registry');
      expect(await claim('second:1', first)).toContain('not found in registry');
      await expectWorking();
    });

    it('wants REGISTER first', async () => {
      using raw = new RawChaincode({ address: address(), tls: await material('cc') }, () => undefined);
      await raw.send({ type: protos.ChaincodeMessage_Type.GET_STATE, txid: 't' });
      expect(await raw.ended).toContain('First message needs to be a register');
    });
  });

  it('leaves no connection open and no memory taken', async () => {
    const { user } = running.clients;
    const round = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn += 1) {
        await expectAnswer(randomBytes(100_000));
        using plain = new PeerClient({ address: peerAddress() });
        await plain
          .blocks(signer(), CHANNEL, { start: 0n }, { signal: never })
          .next()
          .catch(() => undefined);
        await firstDelivered(peer, '/protos.Deliver/Deliver', randomBytes(100_000));
      }
    };
    await round();
    const sockets = openSockets();
    const before = process.memoryUsage().heapUsed;
    await round();
    while (openSockets() > sockets) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * MIB);
    expect((await chainInfo({ peer: user.peer, signer: signer() }, CHANNEL, { signal: never })).height).toBeGreaterThan(2n);
  });
});

/** The one file of an MSP's sub-folder. */
async function readPemIn(folder: string): Promise<Uint8Array> {
  const [name = ''] = await readdir(folder);
  return readFile(join(folder, name));
}

const openSockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

/** Resolves when the other side has closed a connection on which it was told something that is no gRPC. */
function closedAfter(port: number, said: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.on('data', () => undefined);
    if (said.length === 0) socket.end();
    else socket.write(said);
  });
}
