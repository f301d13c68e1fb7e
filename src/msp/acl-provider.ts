import { messageOf, SelvageError } from '../common/errors.ts';
import { common, protos } from '../protos/messages.ts';
import type { ProposalAccess } from './acl.ts';
import { DEFAULT_RULES } from './acl-resources.ts';
import type { ChannelBundle } from './channelconfig/channel-bundle.ts';
import type { Identity, IdentityDeserializer } from './identity.ts';
import type { ConfiguredPolicy, SignedData } from './policies/policy.ts';

const { ADMIN, MEMBER } = common.MSPRole_MSPRoleType;

export interface AclProviderParts {
  /** The MSP of this peer. */
  readonly localMsp: IdentityDeserializer & { readonly mspId: string };
}

type Subject = protos.SignedProposal | readonly SignedData[];

const denied = (why: string, cause?: unknown): SelvageError => new SelvageError('ACCESS_DENIED', why, cause === undefined ? {} : { cause });

/**
 * Fabric's access rules: a channel's own `ACLs` come before the built-in table, but never for resources of the peer itself.
 * @see hyperledger/fabric v2.5, core/aclmgmt and core/policy/policy.go
 */
export class AclProvider implements ProposalAccess {
  readonly #localMsp: AclProviderParts['localMsp'];

  constructor({ localMsp }: AclProviderParts) {
    this.#localMsp = localMsp;
  }

  async check(resource: string, channel: ChannelBundle, subject: Subject): Promise<void> {
    const rule = DEFAULT_RULES.get(resource);
    if (rule?.kind === 'local') return this.checkLocal(resource, onlyProposal(resource, subject));
    const { policy, where, failure } = ruleFor(resource, channel);
    const verdict = policy.ok ? await policy.found.evaluate(signedDataOf(subject, where())) : policy;
    if (!verdict.ok) throw denied(`${failure} ${where()}: [${verdict.reason}]`);
  }

  checkCreator(resource: string, channel: ChannelBundle, creator: Identity): void {
    const { policy, where, failure } = ruleFor(resource, channel);
    const verdict = policy.ok ? policy.found.evaluateIdentities([creator]) : policy;
    if (!verdict.ok) throw denied(`${failure} ${where()}: [${verdict.reason}]`);
  }

  async checkLocal(resource: string, subject: protos.SignedProposal): Promise<void> {
    const rule = DEFAULT_RULES.get(resource);
    if (rule === undefined) throw denied(`Unmapped policy for ${resource}`);
    const policy = rule.kind === 'local' ? rule.role : rule.policy;
    const where = `during channelless check policy with policy [${policy}]`;
    const [signed] = signedDataOf(subject, where);
    if (signed === undefined) throw denied(`Invalid signed proposal ${where}`);
    const creator = this.#creator(signed.identity, where);
    if (rule.kind !== 'local') throw denied(`Failed getting local MSP principal ${where}: [MSP Principal role [${policy}] not recognized]`);
    const why = creator.dissatisfaction(this.#principal(rule.role === 'Admins' ? ADMIN : MEMBER));
    if (why !== undefined) throw denied(`Failed verifying that proposal's creator satisfies local MSP principal ${where}: [${why}]`);
    if (!(await creator.verify(signed.data, signed.signature))) throw denied('The signature is invalid');
  }

  #creator(serialized: Uint8Array, where: string): Identity {
    try {
      return this.#localMsp.deserialize(serialized);
    } catch (cause) {
      throw denied(`Failed deserializing proposal creator ${where}: [${messageOf(cause)}]`, cause);
    }
  }

  #principal(role: number): common.MSPPrincipal {
    const principal = common.MSPRole.encode({ mspIdentifier: this.#localMsp.mspId, role });
    return { principalClassification: common.MSPPrincipal_Classification.ROLE, principal };
  }
}

/** The policy that guards a resource of a channel, and how a refusal by it begins. */
interface Guard {
  /** One that the channel names and does not have denies. */
  readonly policy: { readonly ok: true; readonly found: ConfiguredPolicy } | { readonly ok: false; readonly reason: string };
  readonly failure: string;
  readonly where: () => string;
}

/** What the channel says of the resource, or else what is built in. @throws {SelvageError} `ACCESS_DENIED` for what nobody knows */
function ruleFor(resource: string, channel: ChannelBundle): Guard {
  const configured = policyOfChannel(resource, channel);
  if (configured !== undefined) {
    const policy = channel.policies.has(configured)
      ? { ok: true as const, found: channel.policies.get(configured) }
      : { ok: false as const, reason: `policy ${configured} not found` };
    return { policy, failure: 'failed evaluating policy on signed data', where: () => `during check policy [${configured}]` };
  }
  const rule = DEFAULT_RULES.get(resource);
  if (rule === undefined) throw denied(`Unmapped policy for ${resource}`);
  if (rule.kind === 'local') throw denied(`${resource} is no resource of a channel`);
  return {
    policy: { ok: true, found: channel.policies.get(rule.policy) },
    failure: 'Failed evaluating policy on signed data',
    where: () => `during check policy on channel [${channel.channelId}] with policy [${rule.policy}]`,
  };
}

/** A name without a leading slash is meant below the Application group. */
function policyOfChannel(resource: string, { application }: ChannelBundle): string | undefined {
  if (application === undefined || !application.capabilities.acls) return undefined;
  const policy = application.acls.get(resource);
  if (policy === undefined || policy === '') return undefined;
  return policy.startsWith('/') ? policy : `/Channel/Application/${policy}`;
}

function onlyProposal(resource: string, subject: Subject): protos.SignedProposal {
  if ('proposalBytes' in subject) return subject;
  throw denied(`${resource} takes a signed proposal`);
}

function signedDataOf(subject: Subject, where: string): readonly SignedData[] {
  if (!('proposalBytes' in subject)) return subject;
  const { proposalBytes, signature } = subject;
  return [{ data: proposalBytes, identity: creatorOf(proposalBytes, where), signature }];
}

function creatorOf(proposalBytes: Uint8Array, where: string): Uint8Array {
  const step = <T>(failure: string, read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw denied(`${failure} ${where}: [${messageOf(cause)}]`, cause);
    }
  };
  const { header: headerBytes } = step('Failing extracting proposal', () => protos.Proposal.decode(proposalBytes));
  const header = step('Failing extracting header', () => common.Header.decode(headerBytes));
  return step("Invalid Proposal's SignatureHeader", () => common.SignatureHeader.decode(header.signatureHeader)).creator;
}
