import type { ChaincodeCall } from '../../chaincode/chaincodes.ts';
import type { SystemChaincode } from '../../chaincode/system.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { protos } from '../../protos/messages.ts';
import { ChannelAccess } from '../access.ts';
import { refused, reply } from '../reply.ts';
import { wrongCount } from './arguments.ts';
import { Deploy } from './deploy.ts';
import { install } from './install.ts';
import type { LsccParts } from './parts.ts';
import { Queries } from './queries.ts';

type LsccFunction = (args: readonly Uint8Array[], call: ChaincodeCall, options: Cancellable) => Promise<Uint8Array>;

/**
 * The legacy lifecycle: installs packages on this peer, writes definitions to the channel's state, and lists both.
 * @see core/scc/lscc/lscc.go in hyperledger/fabric v1.1, whose texts these are; function aliases and the collections query
 *   are of 1.2, and a channel with capability V2_0 is read-only as in 2.x
 */
export class Lscc implements SystemChaincode {
  readonly name = 'lscc';
  readonly fromProposal = true;
  readonly fromChaincode = true;
  readonly #functions: ReadonlyMap<string, LsccFunction>;

  constructor(parts: LsccParts) {
    const access = new ChannelAccess(parts);
    const deploy = new Deploy(parts);
    const queries = new Queries({ access, packages: parts.packages });
    const by = (query: (name: string, call: ChaincodeCall) => Promise<Uint8Array>): LsccFunction => {
      return (args, call) => query(nameOnChannel(args, call), call);
    };
    const functions: readonly (readonly [string, string, LsccFunction])[] = [
      ['getid', 'ChaincodeExists', by((name, call) => queries.id(name, call))],
      ['getdepspec', 'GetDeploymentSpec', by((name, call) => queries.deploymentSpec(name, call))],
      ['getccdata', 'GetChaincodeData', by((name, call) => queries.chaincodeData(name, call))],
      ['getchaincodes', 'GetChaincodes', alone((call) => queries.instantiated(call))],
      ['getinstalledchaincodes', 'GetInstalledChaincodes', alone((call) => queries.installed(call))],
      ['getcollectionsconfig', 'GetCollectionsConfig', (args, call) => queries.collections(textOf(exactly(2, args)[1] ?? NOTHING), call)],
      ['deploy', 'deploy', (...given) => deploy.deploy(...given)],
      ['upgrade', 'upgrade', (...given) => deploy.upgrade(...given)],
      ['install', 'install', (args, call, { signal }) => install(args, call, { ...parts, access, signal })],
    ];
    this.#functions = new Map(functions.flatMap(([name, alias, fn]) => [[name, fn] as const, [alias, fn] as const]));
  }

  invoke(call: ChaincodeCall, options: Cancellable): Promise<protos.Response> {
    return reply(async () => {
      const { args = [] } = call.input;
      if (args.length < 1) throw wrongCount(args);
      const name = textOf(args[0] ?? NOTHING);
      const fn = this.#functions.get(name);
      if (fn === undefined) throw refused(`invalid function to lscc ${name}`);
      return fn(args, call, options);
    });
  }
}

const NOTHING = utf8('');

/** A function without arguments. */
const alone =
  (query: (call: ChaincodeCall) => Promise<Uint8Array>): LsccFunction =>
  (args, call) => {
    exactly(1, args);
    return query(call);
  };

function exactly(count: number, args: readonly Uint8Array[]): readonly Uint8Array[] {
  if (args.length !== count) throw wrongCount(args);
  return args;
}

/** The chaincode a query asks about. Fabric judges access on the channel of the argument but reads that of the proposal; here both must agree. */
function nameOnChannel(args: readonly Uint8Array[], { proposal }: ChaincodeCall): string {
  const [, channelId, name] = exactly(3, args);
  if (channelId === undefined || textOf(channelId) !== proposal.channelId)
    throw refused(`invalid chain name ${textOf(channelId ?? NOTHING)}`);
  return textOf(name ?? NOTHING);
}
