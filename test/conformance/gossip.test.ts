import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equalBytes, hex, sha256, textOf } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { IdentityStore } from '../../src/gossip/identities/identity-store.ts';
import { nestedEnvelope, type ReceivedMessage, readEnvelope } from '../../src/gossip/wire/envelope.ts';
import { handshakeEnvelope } from '../../src/gossip/wire/handshake.ts';
import { channelMac, pkiIdOf } from '../../src/gossip/wire/ids.ts';
import { kindOf } from '../../src/gossip/wire/message-kind.ts';
import { tagProblem } from '../../src/gossip/wire/tags.ts';
import { gossip } from '../../src/protos/messages.ts';
import { type RecordedEnvelope, RecordedGossipNetwork, readRecorded, recordings } from './recorded-gossip.ts';
import { Report } from './report.ts';

/** `alive_msg` of `aliveMsg`, as the manifest writes kinds. */
const SNAKE = /[A-Z]+/g;
const kindInManifest = (message: gossip.GossipMessage): string => {
  const kind = kindOf(message) ?? '';
  return ['privateReq', 'privateRes'].includes(kind) ? kind : kind.replace(SNAKE, (capitals) => `_${capitals.toLowerCase()}`);
};
const tagName = (tag: number): string | undefined => Object.entries(gossip.GossipMessage_Tag).find(([, value]) => value === tag)?.[0];
const pullTypeName = (type: number): string | undefined => Object.entries(gossip.PullMsgType).find(([, value]) => value === type)?.[0];

/** The envelopes inside a message. */
const inside = ({ memReq, memRes, dataUpdate, stateSnapshot }: gossip.GossipMessage): readonly Uint8Array[] =>
  [
    ...(memReq?.selfInformation === undefined ? [] : [memReq.selfInformation]),
    ...(memRes?.alive ?? []),
    ...(memRes?.dead ?? []),
    ...(dataUpdate?.data ?? []),
    ...(stateSnapshot?.elements ?? []),
  ].map(nestedEnvelope);

/** Who a signed message says it is of. */
const authorOf = ({ aliveMsg, conn, stateInfo, peerIdentity, leadershipMsg }: gossip.GossipMessage): Uint8Array =>
  aliveMsg?.membership?.pkiId ?? conn?.pkiId ?? stateInfo?.pkiId ?? peerIdentity?.pkiId ?? leadershipMsg?.pkiId ?? new Uint8Array();

describe.skipIf(recordings.length === 0)('recorded gossip (needs the recorded fixtures)', () => {
  const report = new Report('gossip between peers');
  afterAll(() => report.print());

  describe.each(recordings)('of $name', (recording) => {
    const { manifest } = recording;
    const networks = new Map<string, RecordedGossipNetwork>();
    /** What each peer knows when everybody has introduced himself, by network and peer. */
    const stores = new Map<string, IdentityStore>();
    beforeAll(async () => {
      for (const name of Object.keys(manifest.networks)) {
        const network = new RecordedGossipNetwork(recording, name);
        networks.set(name, network);
        const identities = await Promise.all(Object.keys(network.peers).map(async (peer) => (await network.local(peer)).signer.serialized));
        for (const peer of Object.keys(network.peers)) {
          const store = await network.identitiesOf(peer);
          for (const identity of identities) store.put(pkiIdOf(identity), identity);
          stores.set(`${name} ${peer}`, store);
        }
      }
    });
    const networkOf = ({ network }: RecordedEnvelope): RecordedGossipNetwork => networks.get(network) as RecordedGossipNetwork;
    const readerOf = ({ network, to }: RecordedEnvelope): IdentityStore => stores.get(`${network} ${to}`) as IdentityStore;
    const each = manifest.envelopes.map((entry) => ({ entry, received: readEnvelope(readRecorded(recording, entry)) }));
    /** Every signed message, those inside others included, with who received it. */
    const signed = each.flatMap(({ entry, received }) =>
      [received, ...inside(received.message).map(readEnvelope)]
        .filter((message) => message.signed.signature.length > 0)
        .map((message) => ({ entry, message })),
    );

    it('is decoded and encoded again to the same bytes', () => {
      const wrong: string[] = [];
      for (const { entry, received } of each) {
        for (const { envelope, message, signed: own, secret } of [received, ...inside(received.message).map(readEnvelope)]) {
          const again = gossip.Envelope.encode({ ...own, secretEnvelope: secret });
          if (!equalBytes(again, envelope)) wrong.push(`${entry.file}: envelope`);
          if (!equalBytes(gossip.GossipMessage.encode(message), own.payload)) wrong.push(`${entry.file}: ${kindOf(message)}`);
          if (secret !== undefined && !equalBytes(gossip.Secret.encode(gossip.Secret.decode(secret.payload)), secret.payload))
            wrong.push(`${entry.file}: secret`);
          report.covered('envelopes, those inside others included');
        }
      }
      expect(wrong).toEqual([]);
    });

    it('is what the recording says it is', () => {
      for (const { entry, received } of each) {
        const { message, secret } = received;
        const { file: _, network: __, stream: ___, from: ____, to: _____, signer: ______, replyTo: _______, ...expected } = entry;
        const pull = message.hello ?? message.dataDig ?? message.dataReq ?? message.dataUpdate;
        const { txId, collectionName } = message.privateData?.payload ?? {};
        const found: Record<string, unknown> = {
          type: kindInManifest(message),
          tag: tagName(message.tag),
          channel: textOf(message.channel) || undefined,
          nonce: String(message.nonce),
          signed: received.signed.signature.length > 0,
          secretEnvelope: secret === undefined ? undefined : true,
          probe: message.conn?.probe,
          pullType: pull && pullTypeName(pull.msgType),
          pullNonce: pull && String(pull.nonce),
          alive: message.memRes?.alive.length,
          dead: message.memRes?.dead.length,
          txId,
          collection: collectionName,
          block: message.dataMsg?.payload && Number(message.dataMsg.payload.seqNum),
          ackError: message.ack?.error || undefined,
        };
        const compared = Object.fromEntries(Object.keys(found).map((key) => [key, (expected as Record<string, unknown>)[key]]));
        if (compared['txId'] === undefined) found['txId'] = undefined;
        if (compared['collection'] === undefined) found['collection'] = undefined;
        if (compared['block'] === undefined) found['block'] = undefined;
        expect({ file: entry.file, ...found }).toEqual({ file: entry.file, ...compared });
        const nested = inside(message).map(readEnvelope);
        expect(nested.map((one) => [kindInManifest(one.message), one.secret !== undefined])).toEqual(
          (entry.nested ?? []).map(({ type, secret: hidden }) => [type, hidden]),
        );
      }
    });

    it('has legal tags', () => {
      expect(each.map(({ received }) => tagProblem(received.message)).filter((problem) => problem !== undefined)).toEqual([]);
    });

    it('has the ids and macs that ours have', async () => {
      for (const network of networks.values()) {
        for (const [peer, { pkiId, channelMac: mac, tlsCertSha256 }] of Object.entries(network.peers)) {
          const own = pkiIdOf((await network.local(peer)).signer.serialized);
          expect([hex(own), hex(channelMac(own, manifest.channel))]).toEqual([pkiId, mac]);
          const shown = network.shownBy(peer);
          expect(shown && hex(sha256(shown))).toBe(tlsCertSha256);
        }
      }
      for (const { message } of signed) {
        const { stateInfo } = message.message;
        if (stateInfo !== undefined) expect(hex(stateInfo.channelMAC)).toBe(hex(channelMac(stateInfo.pkiId, manifest.channel)));
      }
      for (const { entry, received } of each) {
        const { stateInfoPullReq } = received.message;
        if (stateInfoPullReq !== undefined) expect(hex(stateInfoPullReq.channelMAC)).toBe(networkOf(entry).peers[entry.from]?.channelMac);
      }
    });

    it('is verified by who received it', async () => {
      for (const { entry, message } of signed) {
        const identity = message.message.peerIdentity?.cert ?? message.message.conn?.identity;
        if (identity === undefined) await readerOf(entry).verify(authorOf(message.message), message);
        else await readerOf(entry).verifyWith(identity, message);
        report.covered('signatures');
        if (message.secret !== undefined) report.covered('signatures of secrets');
      }
      expect(signed.length).toBeGreaterThan(0);
    });

    it('binds each stream to the certificates of its session', () => {
      for (const { entry, received } of each) {
        const { conn } = received.message;
        if (conn === undefined) continue;
        const shown = networkOf(entry).shownBy(entry.from);
        expect(hex(conn.tlsCertHash)).toBe(shown === undefined ? '' : hex(sha256(shown)));
      }
    });

    it('begins with a handshake whose payload is byte for byte ours', async () => {
      for (const { entry, received } of each) {
        const { conn } = received.message;
        if (conn === undefined) continue;
        const { signer } = await networkOf(entry).local(entry.from);
        const own = readEnvelope(await handshakeEnvelope(signer, { tlsCertHash: conn.tlsCertHash, probe: conn.probe }));
        expect(hex(own.signed.payload)).toBe(hex(received.signed.payload));
        await readerOf(entry).verifyWith(signer.serialized, own);
        report.covered('handshakes made anew');
      }
    });

    it('answers with the nonce of the question', () => {
      const byFile = new Map(each.map(({ entry, received }) => [entry.file, received.message]));
      const nonceOf = (message: gossip.GossipMessage | undefined): bigint | undefined => {
        const pull = message?.hello ?? message?.dataDig ?? message?.dataReq ?? message?.dataUpdate;
        return pull === undefined ? message?.nonce : pull.nonce;
      };
      for (const { entry, received } of each) {
        if (entry.replyTo === undefined) continue;
        expect(nonceOf(received.message)).toBe(nonceOf(byFile.get(entry.replyTo)));
      }
    });

    it('is refused when a byte of it was changed', async () => {
      const changed = (bytes: Uint8Array, at: number): Uint8Array =>
        Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte));
      const refused = async (entry: RecordedEnvelope, author: Uint8Array, message: Pick<ReceivedMessage, 'signed' | 'secret'>) => {
        const thrown = await readerOf(entry)
          .verify(author, message)
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(thrown).toBeInstanceOf(SelvageError);
        expect((thrown as SelvageError).code).toBe('IDENTITY_INVALID');
        report.covered('changed messages refused');
      };
      const kinds = new Set<string>();
      for (const { entry, message } of signed) {
        const kind = `${entry.network} ${kindOf(message.message)} ${message.secret !== undefined} ${entry.signer === entry.from}`;
        if (kinds.has(kind)) continue;
        kinds.add(kind);
        const author = authorOf(message.message);
        const { signed: own, secret } = message;
        const middle = Math.floor(own.payload.length / 2);
        await refused(entry, author, { secret, signed: { ...own, payload: changed(own.payload, middle) } });
        await refused(entry, author, { secret, signed: { ...own, signature: changed(own.signature, own.signature.length - 1) } });
        await refused(entry, author, { secret, signed: { ...own, signature: new Uint8Array() } });
        await refused(entry, changed(author, 0), message);
        await refused(entry, author, { signed: own, secret: { ...own, payload: changed(own.payload, middle) } });
        if (secret === undefined) continue;
        await refused(entry, author, { signed: own, secret: { ...secret, payload: changed(secret.payload, secret.payload.length - 1) } });
        await refused(entry, author, { signed: own, secret: { ...secret, signature: new Uint8Array() } });
        await refused(entry, author, { signed: own, secret: { ...secret, signature: own.signature } });
      }
    });
  });
});
