/** The largest requests that the services of a node take from somebody whom they do not know. No two have the same bytes. */
import { request } from 'node:http';
import { GrpcClient } from '../src/comm/client.ts';
import { MAX_MESSAGE_BYTES } from '../src/comm/limits.ts';
import { joinAddress } from '../src/common/address.ts';
import { STRANGER_BYTES } from '../src/gossip/links/limits.ts';
import { common, discovery, gateway, gossip, msp, protos } from '../src/protos/messages.ts';
import { MOST_ASKED } from '../src/services/deliver.ts';
import { MOST_DISCOVERED } from '../src/services/discovery-service.ts';

const never = new AbortController().signal;

export interface Addresses {
  readonly peer: string;
  readonly orderer: string;
  readonly chaincode: string;
  readonly operations: string;
}

/** By service: sends one request, and waits until it is answered or refused. */
export interface LargestRequests extends Disposable {
  readonly byService: Readonly<Record<string, (number: number) => Promise<void>>>;
}

/** @param addresses of a node without TLS, `host:port` each */
export function largestRequests({ peer, orderer, chaincode, operations }: Addresses): LargestRequests {
  const clients = [peer, orderer, chaincode].map((address) => new GrpcClient({ address }));
  const [toPeer, toOrderer, toChaincode] = clients as [GrpcClient, GrpcClient, GrpcClient];
  const [proposal, seek, transaction, registration] = [proposals(), seeks(), transactions(), registrations()];
  const [question, hello, ofArguments] = [questions(), hellos(), emptyArguments()];
  const [calls, submission, asking, following] = [gatewayCalls(), submissions(), commitStatuses(), eventRequests()];
  return {
    byService: {
      Endorser: (number) => unary(toPeer, '/protos.Endorser/ProcessProposal', proposal(number)),
      'Endorser, arguments alone': (number) => unary(toPeer, '/protos.Endorser/ProcessProposal', ofArguments(number)),
      Deliver: (number) => stream(toPeer, '/protos.Deliver/Deliver', seek(number)),
      DeliverFiltered: (number) => stream(toPeer, '/protos.Deliver/DeliverFiltered', seek(number)),
      DeliverWithPrivateData: (number) => stream(toPeer, '/protos.Deliver/DeliverWithPrivateData', seek(number)),
      Discovery: (number) => unary(toPeer, '/discovery.Discovery/Discover', question(number)),
      GossipStream: (number) => stream(toPeer, '/gossip.Gossip/GossipStream', hello(number)),
      Evaluate: (number) => unary(toPeer, '/gateway.Gateway/Evaluate', calls(number)),
      'Evaluate, arguments alone': (number) => unary(toPeer, '/gateway.Gateway/Evaluate', evaluated(ofArguments(number))),
      Endorse: (number) => unary(toPeer, '/gateway.Gateway/Endorse', calls(number)), // the same fields
      Submit: (number) => unary(toPeer, '/gateway.Gateway/Submit', submission(number)),
      CommitStatus: (number) => unary(toPeer, '/gateway.Gateway/CommitStatus', asking(number)),
      ChaincodeEvents: (number) => stream(toPeer, '/gateway.Gateway/ChaincodeEvents', following(number)),
      'Deliver of the orderer': (number) => stream(toOrderer, '/orderer.AtomicBroadcast/Deliver', seek(number)),
      Broadcast: (number) => stream(toOrderer, '/orderer.AtomicBroadcast/Broadcast', transaction(number)),
      ChaincodeSupport: (number) => stream(toChaincode, '/protos.ChaincodeSupport/Register', registration(number)),
      operations: (number) => put(operations, number),
    },
    [Symbol.dispose]: () => {
      for (const client of clients) client[Symbol.dispose]();
    },
  };
}

/** Requests are made anew after so many, so that the time in them is about now. */
const ALIKE = 500;

/**
 * A request as large as it may be: what `make` makes of a filling, letters that may be a name. Making one takes several copies of it, so
 * most are the one before with another number in it.
 */
function filled(most: number, make: (filling: Buffer) => Uint8Array): (number: number) => Uint8Array {
  let made = Buffer.alloc(0);
  let left = 0;
  let at = 0;
  return (number) => {
    const mark = `number ${String(number).padStart(12, '0')}, `;
    if (left === 0) {
      const filling = Buffer.alloc(most - AROUND, 0x20 + (number % 90));
      filling.write(mark);
      made = Buffer.from(make(filling));
      at = made.indexOf(mark);
      left = ALIKE;
    }
    left -= 1;
    made.write(mark, at);
    return made;
  };
}

/** Bytes that stand around the filling, at most. */
const AROUND = 400;

const headers = (creator: Uint8Array, channelId: string) => ({
  channelHeader: common.ChannelHeader.encode({
    type: common.HeaderType.ENDORSER_TRANSACTION,
    channelId,
    timestamp: { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 },
  }),
  signatureHeader: common.SignatureHeader.encode({ creator, nonce: new Uint8Array(24) }),
});

/** Nearly all of it is the creator, whom nobody has heard of. */
const proposals = () =>
  filled(MAX_MESSAGE_BYTES, (idBytes) => {
    const creator = msp.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes });
    const header = common.Header.encode(headers(creator, 'mychannel'));
    return protos.SignedProposal.encode({ proposalBytes: protos.Proposal.encode({ header }), signature: new Uint8Array(70) });
  });

/** Nothing but arguments that are empty: two bytes each, and each something to hold. */
const emptyArguments = () =>
  filled(MAX_MESSAGE_BYTES, (filling) => {
    const nothing = Buffer.alloc(filling.length - 200, Buffer.from([0x0a, 0]));
    const input = Buffer.concat([lengthDelimited(1, filling.subarray(0, 40)), nothing]);
    const payload = protos.ChaincodeProposalPayload.encode({ input: lengthDelimited(1, lengthDelimited(3, input)) });
    const channelHeader = common.ChannelHeader.encode({
      type: common.HeaderType.ENDORSER_TRANSACTION,
      channelId: 'mychannel',
      extension: protos.ChaincodeHeaderExtension.encode({ chaincodeId: { name: 'cc' } }),
    });
    const header = common.Header.encode({ ...headers(new Uint8Array(10), 'mychannel'), channelHeader });
    return protos.SignedProposal.encode({ proposalBytes: protos.Proposal.encode({ header, payload }), signature: new Uint8Array(70) });
  });

/** The request for a `SignedProposal` that is a little smaller than the largest. */
const evaluated = (signed: Uint8Array): Buffer => lengthDelimited(3, signed);

/** A field of a message around that message's bytes. */
function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), bytes]);
}

const envelope = (creator: Uint8Array): Uint8Array =>
  common.Envelope.encode({
    payload: common.Payload.encode({ header: headers(creator, 'mychannel'), data: new Uint8Array(10) }),
    signature: new Uint8Array(70),
  });

const transactions = () => filled(MAX_MESSAGE_BYTES, envelope);

const seeks = () => filled(MOST_ASKED, envelope);

/** A call of a system chaincode, which every peer has, by a creator whom nobody has heard of. */
const gatewayCalls = () =>
  filled(MAX_MESSAGE_BYTES, (idBytes) => {
    const creator = msp.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes });
    const input = protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: { chaincodeId: { name: 'qscc' }, input: {} } });
    const proposalBytes = protos.Proposal.encode({
      header: common.Header.encode(headers(creator, 'mychannel')),
      payload: protos.ChaincodeProposalPayload.encode({ input }),
    });
    return gateway.EvaluateRequest.encode({ proposedTransaction: { proposalBytes, signature: new Uint8Array(70) } });
  });

/** Larger than an orderer takes, which the orderer says. */
const submissions = () =>
  filled(MAX_MESSAGE_BYTES, (creator) =>
    gateway.SubmitRequest.encode({ channelId: 'mychannel', preparedTransaction: common.Envelope.decode(envelope(creator)) }),
  );

const asked = (idBytes: Uint8Array) => ({ channelId: 'mychannel', identity: msp.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes }) });

const commitStatuses = () =>
  filled(MOST_ASKED, (idBytes) => {
    const request = gateway.CommitStatusRequest.encode({ ...asked(idBytes), transactionId: 'tx' });
    return gateway.SignedCommitStatusRequest.encode({ request, signature: new Uint8Array(70) });
  });

const eventRequests = () =>
  filled(MOST_ASKED, (idBytes) => {
    const request = gateway.ChaincodeEventsRequest.encode({ ...asked(idBytes), chaincodeId: 'cc' });
    return gateway.SignedChaincodeEventsRequest.encode({ request, signature: new Uint8Array(70) });
  });

/** Somebody who asks everything of a channel whose members do not know him. */
const questions = () =>
  filled(MOST_DISCOVERED, (idBytes) => {
    const clientIdentity = msp.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes });
    const queries = [{ channel: 'mychannel', configQuery: {} }, { localPeers: {} }];
    const payload = discovery.Request.encode({ authentication: { clientIdentity }, queries });
    return discovery.SignedRequest.encode({ payload, signature: new Uint8Array(70) });
  });

/** A peer nobody knows says who it is. */
const hellos = () =>
  filled(STRANGER_BYTES, (idBytes) => {
    const identity = msp.SerializedIdentity.encode({ mspid: 'Org1MSP', idBytes });
    const conn = { pkiId: new Uint8Array(32), identity, tlsCertHash: new Uint8Array(32) };
    return gossip.Envelope.encode({ payload: gossip.GossipMessage.encode({ tag: 1, conn }), signature: new Uint8Array(70) });
  });

const registrations = () =>
  filled(MAX_MESSAGE_BYTES, (name) =>
    protos.ChaincodeMessage.encode({
      type: protos.ChaincodeMessage_Type.REGISTER,
      payload: protos.ChaincodeID.encode({ name: name.toString('latin1') }),
    }),
  );

async function unary(client: GrpcClient, path: string, message: Uint8Array): Promise<void> {
  await client.unary(path, message, { signal: never }).catch(() => undefined);
}

async function stream(client: GrpcClient, path: string, message: Uint8Array): Promise<void> {
  using call = client.bidi(path, { signal: never });
  const sent = Promise.resolve(call.send(message));
  sent.catch(() => undefined);
  call.end();
  try {
    for await (const _ of call.incoming);
  } catch {
    // refused, as it should be
  }
}

function put(address: string, number: number): Promise<void> {
  const [hostname, port] = address.split(':');
  const spec = `${number}`.padEnd(60 * 1024, 'x');
  return new Promise((resolve) => {
    const call = request(
      { hostname, port, method: 'PUT', path: `/logspec?${'q'.repeat(12 * 1024)}`, headers: { connection: 'close' } },
      (answer) => {
        answer.resume();
        answer.once('close', resolve);
      },
    );
    call.once('error', () => resolve());
    call.end(JSON.stringify({ spec }));
  });
}

export const addressOf = (port: number): string => joinAddress({ host: '127.0.0.1', port });
