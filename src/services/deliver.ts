/**
 * The deliver protocol, which peers and orderers share: an envelope asks for a range of blocks, blocks and a status answer it.
 * @see common/deliver/deliver.go in hyperledger/fabric v2.5
 */

import type { ByteStream, CallContext } from '../comm/method.ts';
import { sha256 } from '../common/bytes.ts';
import { type Clock, systemClock } from '../common/clock.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { MaybePromise } from '../common/maybe.ts';
import type { Refusals } from '../common/refusals.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { common, orderer } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';
import type { RequestMetrics } from './deliver-metrics.ts';
import { received } from './received.ts';
import type { SendTurns } from './send-turns.ts';

/** An envelope that asks for blocks has two headers, a range and a signature. What a call asked with stays as long as it does. */
export const MOST_ASKED = 1024 * 1024;

/** Blocks of a channel that can be asked for by number and waited for. */
export interface DeliverableBlocks {
  height(): bigint;
  /**
   * `DeliverResponse` bytes of a block; undefined for a block that cannot be read.
   * @param subject who asks, for forms that are not the same for all
   * @param attested whether header and metadata are enough, see `attestedBlock`
   */
  response(number: bigint, subject: readonly SignedData[], attested: boolean): MaybePromise<Uint8Array | undefined>;
  /** Resolves when the block can be read. */
  waitFor(number: bigint, signal: AbortSignal): Promise<void>;
}

export interface DeliverParts {
  /** The channel's blocks and configuration; undefined when the channel is not here. */
  readonly find: (channelId: string) => { readonly blocks: DeliverableBlocks; bundle(): ChannelBundle } | undefined;
  /** Judges the requester. @throws {SelvageError} when it may not read */
  readonly authorize: (bundle: ChannelBundle, subject: readonly SignedData[]) => Promise<void>;
  readonly status: (status: number) => Uint8Array;
  /** Shared by all streams of the service. */
  readonly metrics?: RequestMetrics | undefined;
  readonly turns: SendTurns;
  /** Most difference between the request's timestamp and our clock, in milliseconds. */
  readonly timeWindowMs: number;
  /** With mutual TLS the request must carry the hash of the client's certificate. */
  readonly mutualTls: boolean;
  readonly clock?: Clock;
  readonly log: Logger;
  /** Of requests; who asked is not known when most are. */
  readonly refusals: Refusals;
}

const { SUCCESS, BAD_REQUEST, FORBIDDEN, NOT_FOUND, SERVICE_UNAVAILABLE } = common.Status;
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/**
 * Serves one deliver call: request after request until the client ends it or one is refused.
 * @throws {SelvageError} `READER_LEFT`, which the client no longer hears and metrics count
 */
export async function serveDeliver(parts: DeliverParts, stream: ByteStream, context: CallContext): Promise<void> {
  for await (const message of stream.incoming) {
    const status = await answer(parts, message, stream, context);
    if (context.signal.aborted) throw new SelvageError('READER_LEFT', 'context finished before block retrieved: context canceled');
    await stream.send(parts.status(status));
    if (status !== SUCCESS) return;
  }
}

async function answer(parts: DeliverParts, message: Uint8Array, stream: ByteStream, context: CallContext): Promise<number> {
  try {
    const request = readRequest(parts, message, context);
    return await measured(parts, request, () => deliverRange(parts, request, stream, context));
  } catch (thrown) {
    if (context.signal.aborted) return SERVICE_UNAVAILABLE;
    if (thrown instanceof Refusal) {
      parts.refusals.note({ remote: context.remote, status: thrown.status, reason: thrown.message });
      return thrown.status;
    }
    if (thrown instanceof SelvageError && thrown.code === 'REQUEST_UNREADABLE') throw thrown;
    parts.log.error('deliver request failed', { remote: context.remote, cause: thrown });
    return SERVICE_UNAVAILABLE;
  }
}

async function measured({ metrics }: DeliverParts, { channelId }: DeliverRequest, work: () => Promise<number>): Promise<number> {
  metrics?.received(channelId);
  let success = false;
  try {
    const status = await work();
    success = status === SUCCESS;
    return status;
  } finally {
    metrics?.completed(channelId, success);
  }
}

interface DeliverRequest {
  readonly channelId: string;
  readonly channel: NonNullable<ReturnType<DeliverParts['find']>>;
  readonly seek: orderer.SeekInfo;
  readonly subject: readonly SignedData[];
  readonly expires: Date | undefined;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function readRequest(parts: DeliverParts, message: Uint8Array, context: CallContext): DeliverRequest {
  const { envelope, payload, channelHeader, creator } = parseEnvelope(message);
  checkTimestamp(parts, channelHeader);
  checkTlsBinding(parts, channelHeader, context);
  const channel = parts.find(channelHeader.channelId);
  if (channel === undefined) throw new Refusal(NOT_FOUND, `no channel ${channelHeader.channelId}`);
  const seek = parse(() => orderer.SeekInfo.decode(payload.data, OF_STRANGERS), 'the SeekInfo does not parse');
  const subject = [{ data: envelope.payload, identity: creator, signature: envelope.signature }];
  return { channelId: channelHeader.channelId, channel, seek, subject, expires: expiryOf(channel.bundle(), creator) };
}

function parseEnvelope(message: Uint8Array) {
  const envelope = received(common.Envelope, message);
  return parse(() => {
    const payload = common.Payload.decode(envelope.payload, OF_STRANGERS);
    if (payload.header === undefined) throw new SelvageError('MALFORMED', 'the payload has no header');
    const channelHeader = common.ChannelHeader.decode(payload.header.channelHeader, OF_STRANGERS);
    const { creator } = common.SignatureHeader.decode(payload.header.signatureHeader, OF_STRANGERS);
    return { envelope, payload, channelHeader, creator };
  }, 'the envelope does not parse');
}

function parse<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (cause) {
    throw new Refusal(BAD_REQUEST, `${what}: ${messageOf(cause)}`);
  }
}

function checkTimestamp({ timeWindowMs, clock = systemClock }: DeliverParts, { timestamp }: common.ChannelHeader): void {
  if (timestamp === undefined) throw new Refusal(BAD_REQUEST, 'the channel header has no timestamp');
  const sent = Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6;
  const skew = Math.abs(clock.now().getTime() - sent);
  if (!(skew <= timeWindowMs)) throw new Refusal(BAD_REQUEST, `the timestamp is ${Math.round(skew / 1000)} s away from this node's time`);
}

function checkTlsBinding({ mutualTls }: DeliverParts, { tlsCertHash }: common.ChannelHeader, { peerCertificate }: CallContext): void {
  if (!mutualTls) return;
  const actual = peerCertificate === undefined ? undefined : sha256(peerCertificate);
  if (actual === undefined || Buffer.compare(actual, tlsCertHash) !== 0)
    throw new Refusal(BAD_REQUEST, 'tls_cert_hash is not that of the client certificate');
}

function expiryOf(bundle: ChannelBundle, creator: Uint8Array): Date | undefined {
  try {
    return bundle.msps.deserialize(creator).notAfter;
  } catch {
    return undefined; // the policy refuses it with a better reason
  }
}

async function deliverRange(parts: DeliverParts, request: DeliverRequest, stream: ByteStream, { signal }: CallContext): Promise<number> {
  const { blocks } = request.channel;
  const access = new Access(parts, request);
  await access.check();
  const { start, stop } = rangeOf(request.seek, blocks.height());
  const attested = request.seek.contentType === orderer.SeekInfo_SeekContentType.HEADER_WITH_SIG;
  for (let number = start; number <= stop; number += 1n) {
    if (number >= blocks.height()) {
      if (request.seek.behavior === orderer.SeekInfo_SeekBehavior.FAIL_IF_NOT_READY)
        throw new Refusal(NOT_FOUND, `block ${number} is not there yet`);
      await blocks.waitFor(number, signal);
    }
    await access.check();
    const response = await blocks.response(number, request.subject, attested);
    if (response === undefined) throw new Refusal(SERVICE_UNAVAILABLE, `block ${number} cannot be read`);
    await parts.turns.take(response.length);
    await stream.send(response);
    parts.metrics?.sent(request.channelId);
  }
  return SUCCESS;
}

interface Range {
  readonly start: bigint;
  /** The last block to send. */
  readonly stop: bigint;
}

function rangeOf({ start: from, stop: to }: orderer.SeekInfo, height: bigint): Range {
  if (from === undefined || to === undefined) throw new Refusal(BAD_REQUEST, 'start or stop is missing');
  const start = startOf(from, height);
  if (start > height) throw new Refusal(NOT_FOUND, `block ${start} is beyond height ${height}`);
  if (to.specified === undefined) return { start, stop: openStopOf(to, start, height) };
  if (to.specified.number < start) throw new Refusal(BAD_REQUEST, `stop ${to.specified.number} is before start ${start}`);
  return { start, stop: to.specified.number };
}

function startOf({ newest, oldest, specified, nextCommit }: orderer.SeekPosition, height: bigint): bigint {
  if (newest !== undefined) return newestOf(height);
  if (oldest !== undefined) return 0n;
  if (nextCommit !== undefined) return height;
  if (specified !== undefined) return specified.number;
  throw new Refusal(NOT_FOUND, 'the start position has no type');
}

/** Whatever names no block that can stop it means block 0, as in Fabric. A stop that is behind the start is never reached: blocks keep coming. */
function openStopOf({ newest, oldest }: orderer.SeekPosition, start: bigint, height: bigint): bigint {
  if (oldest !== undefined) return start;
  const stop = newest === undefined ? 0n : newestOf(height);
  return stop < start ? MAX_UINT64 : stop;
}

const newestOf = (height: bigint): bigint => (height === 0n ? 0n : height - 1n);

/** Access is judged at the start, whenever the configuration grew, and against the certificate's end before every block. */
class Access {
  readonly #parts: DeliverParts;
  readonly #request: DeliverRequest;
  #judged: bigint | undefined;

  constructor(parts: DeliverParts, request: DeliverRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  async check(): Promise<void> {
    const { expires, channel, subject } = this.#request;
    const now = (this.#parts.clock ?? systemClock).now();
    if (expires !== undefined && expires < now) throw new Refusal(FORBIDDEN, 'the client identity expired');
    const bundle = channel.bundle();
    if (this.#judged === bundle.sequence) return;
    try {
      await this.#parts.authorize(bundle, subject);
    } catch (cause) {
      throw new Refusal(FORBIDDEN, messageOf(cause));
    }
    this.#judged = bundle.sequence;
  }
}
