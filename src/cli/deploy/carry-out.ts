import { isApprovedAlready } from '../../client/deployment/agreed.ts';
import { installOn } from '../../client/deployment/installation.ts';
import { approveProposal, commitProposal, PROPOSAL_REFUSED } from '../../client/lifecycle-calls.ts';
import type { Broadcaster } from '../../client/orderer-client.ts';
import type { PeerClient } from '../../client/peer-client.ts';
import type { ProposalSpec } from '../../client/proposal.ts';
import { evaluate, type SubmitParts, submit } from '../../client/submit.ts';
import { SelvageError } from '../../common/errors.ts';
import { withBuildOutput } from '../follow-build.ts';
import { refuseInvalid } from '../sending.ts';
import type { Terminal } from '../terminal.ts';
import type { Organization, Organizations } from './organizations.ts';
import type { RequestedDeployment } from './requested-deployment.ts';
import { callerOf, type DeploymentPlan } from './survey.ts';

/** What the steps of a deployment share. */
export interface Deploying {
  readonly request: RequestedDeployment;
  readonly plan: DeploymentPlan;
  readonly organizations: Organizations;
  readonly orderer: Broadcaster;
  /** Milliseconds for each transaction. */
  readonly waitMs: number;
  readonly terminal: Terminal;
}

export async function installWhereMissing({ request, plan, organizations, terminal }: Omit<Deploying, 'orderer'>): Promise<void> {
  const directories = organizations.all.map(({ outputDirectory }) => outputDirectory);
  const install = () => installOn(plan.lacking, request.packageBytes, terminal);
  await withBuildOutput(request.wanted.packageId, terminal, install, directories);
}

/** Each organisation by its own peer; afterwards every peer knows. */
export async function approveWhereMissing(deploying: Deploying): Promise<void> {
  const { request, plan } = deploying;
  const proposal = approveProposal(plan.definition, request.wanted.packageId);
  await Promise.all(
    plan.approving.map(async (organization) => {
      try {
        await send(deploying, organization, organization.peers.slice(0, 1), proposal, PROPOSAL_REFUSED);
      } catch (thrown) {
        if (!isApprovedAlready(thrown)) throw thrown;
      }
    }),
  );
}

export async function commitDefinition(deploying: Deploying, endorsers: readonly PeerClient[]): Promise<void> {
  await send(deploying, deploying.organizations.first, endorsers, commitProposal(deploying.plan.definition), PROPOSAL_REFUSED);
}

/** Asked of every organisation that is here: its endorsement policy is likely to want them. */
export async function initialize(deploying: Deploying, args: readonly string[]): Promise<void> {
  const { organizations, plan } = deploying;
  const { channelId, name: chaincode } = plan.definition;
  const endorsers = organizations.all.flatMap(({ peers }) => peers.slice(0, 1));
  await send(deploying, organizations.first, endorsers, { channelId, chaincode, args, isInit: true });
}

/** Asks a question that changes nothing: a peer refuses everything before Init. */
export async function isInitialized({ organizations, plan, terminal }: Omit<Deploying, 'orderer'>): Promise<boolean> {
  const { peer, signer } = callerOf(organizations.first);
  const { channelId, name: chaincode } = plan.definition;
  try {
    await evaluate(peer, signer, { channelId, chaincode, args: ['org.hyperledger.fabric:GetMetadata'] }, terminal);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'REFUSED_BY_PEER') return !thrown.message.includes(UNINITIALIZED);
    throw thrown;
  }
  return true;
}

/** @see CheckInvocation in hyperledger/fabric v2.5, core/chaincode/chaincode_support.go */
const UNINITIALIZED = 'has not been initialized for this version, must call as init first';

async function send(
  { organizations, orderer, waitMs, terminal }: Deploying,
  { signer, connections }: Organization,
  endorsers: readonly PeerClient[],
  proposal: ProposalSpec,
  refusal?: SubmitParts['refusal'],
): Promise<void> {
  const tlsCertHash = connections.tlsCertHash();
  const parts = { signer, endorsers, orderer, listeners: organizations.peers, waitMs, tlsCertHash, ...(refusal && { refusal }) };
  refuseInvalid(await submit(parts, proposal, terminal));
}
