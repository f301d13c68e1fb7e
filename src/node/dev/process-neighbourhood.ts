import { hex } from '../../common/bytes.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Neighbour } from '../../gossip/links.ts';
import type { Member, PeerView } from '../../gossip/peers.ts';
import type { PrivateDataExchange, PrivateDataHandler } from '../../gossip/private-exchange.ts';
import { pkiIdOf } from '../../gossip/wire/ids.ts';
import type { LocalSigner } from '../../msp/identities/local-signer.ts';
import { gossip } from '../../protos/messages.ts';

/** What a peer knows of others, and how it exchanges private data with them. */
export interface Acquaintances {
  readonly peers: PeerView;
  readonly exchange: PrivateDataExchange;
}

/** A peer of this process, as the others meet it. */
interface Resident extends Acquaintances {
  readonly neighbour: Neighbour;
  handler: PrivateDataHandler | undefined;
}

/** Peers of one process, which see each other at once and give each other private data from hand to hand; others they meet by gossip. */
export class ProcessNeighbourhood {
  readonly #residents = new Map<string, Resident>();
  readonly #listeners = new Set<() => void>();

  /**
   * @param others whom the peer meets outside
   * @param signer what it proves to others with who it is
   */
  join(others: Acquaintances, signer: LocalSigner): Acquaintances & Disposable {
    const { mspId, serialized: identity } = signer;
    const handshake = { payload: identity, signature: signer.sign(identity) };
    const neighbour = { pkiId: pkiIdOf(identity), mspId, identity, handshake };
    const resident: Resident = { ...others, neighbour, handler: undefined };
    const id = hex(neighbour.pkiId);
    this.#residents.set(id, resident);
    const changes = others.peers.onChanged(() => this.#changed());
    this.#changed();
    return {
      peers: this.#peersOf(resident),
      exchange: this.#exchangeOf(resident),
      [Symbol.dispose]: () => {
        changes[Symbol.dispose]();
        this.#residents.delete(id);
        this.#changed();
      },
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #peersOf(own: Resident): PeerView {
    const all = <T extends Member>(of: (view: PeerView) => readonly T[]): readonly T[] => {
      const outside = of(own.peers).filter(({ self, pkiId }) => self || !this.#residents.has(hex(pkiId)));
      const inside = [...this.#residents.values()].filter((resident) => resident !== own).flatMap(({ peers }) => of(peers));
      return [...outside, ...inside.filter(({ self }) => self).map((member) => ({ ...member, self: false }))];
    };
    return {
      members: () => all((view) => view.members()),
      membersOf: (channelId) => (own.peers.membersOf(channelId).length === 0 ? [] : all((view) => view.membersOf(channelId))),
      organizations: () => [...new Set([...own.peers.organizations(), ...all((view) => view.members()).map(({ mspId }) => mspId)])],
      onChanged: (listener) => {
        this.#listeners.add(listener);
        return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
      },
    };
  }

  /** Messages are encoded and read as on the wire: nobody holds what another one may change. */
  #exchangeOf(own: Resident): PrivateDataExchange {
    return {
      push: async (to, channelId, data, options) => {
        const resident = this.#residents.get(hex(to.pkiId));
        if (resident === undefined) return own.exchange.push(to, channelId, data, options);
        const payload = gossip.PrivatePayload.decode(gossip.PrivatePayload.encode(data));
        const answer = await answerOf(resident, options, (handler) => handler.received(payload, channelId, own.neighbour));
        if (answer === 'silence') await silence(options);
        else if (answer !== undefined) throw new SelvageError('REFUSED_BY_PEER', answer.refused);
      },
      pull: async (to, channelId, digests, options) => {
        const resident = this.#residents.get(hex(to.pkiId));
        if (resident === undefined) return own.exchange.pull(to, channelId, digests, options);
        const request = gossip.RemotePvtDataRequest.decode(gossip.RemotePvtDataRequest.encode({ digests }));
        const elements = await answerOf(resident, options, (handler) => handler.asked(request.digests, channelId, own.neighbour));
        return gossip.RemotePvtDataResponse.decode(gossip.RemotePvtDataResponse.encode({ elements })).elements;
      },
      serve: (handler) => {
        const outside = own.exchange.serve(handler);
        own.handler = handler;
        return {
          [Symbol.dispose]: () => {
            outside[Symbol.dispose]();
            if (own.handler === handler) own.handler = undefined;
          },
        };
      },
    };
  }
}

const answerOf = <T>({ handler }: Resident, options: Cancellable, ask: (handler: PrivateDataHandler) => Promise<T>): Promise<T> =>
  handler === undefined ? silence(options) : orAbort(ask(handler), options.signal);

const silence = ({ signal }: Cancellable): Promise<never> => orAbort(new Promise<never>(() => undefined), signal);
