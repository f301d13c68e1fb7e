import { messageOf, SelvageError } from '../common/errors.ts';
import { common, protos } from '../protos/messages.ts';
import type { AccessControl } from './acl.ts';
import { DEFAULT_RULES } from './acl-resources.ts';
import type { ChannelBundle } from './channelconfig/channel-bundle.ts';
import type { Identity, IdentityDeserializer } from './identity.ts';
import type { SignedData } from './policies/policy.ts';

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
export class AclProvider implements AccessControl {
  readonly #localMsp: AclProviderParts['localMsp'];

  constructor({ localMsp }: AclProviderParts) {
    this.#localMsp = localMsp;
  }

  async check(resource: string, channel: ChannelBundle, subject: Subject): Promise<void> {
    const rule = DEFAULT_RULES.get(resource);
    if (rule?.kind === 'local') return this.checkLocal(resource, onlyProposal(resource, subject));
    const configured = policyOfChannel(resource, channel);
    if (configured !== undefined) return this.#checkConfigured(configured, channel, subject);
    if (rule === undefined) throw denied(`Unmapped policy for ${resource}`);
    const where = `during check policy on channel [${channel.channelId}] with policy [${rule.policy}]`;
    const verdict = await channel.policies.get(rule.policy).evaluate(signedDataOf(subject, where));
    if (!verdict.ok) throw denied(`Failed evaluating policy on signed data ${where}: [${verdict.reason}]`);
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

  /** A policy that the channel names itself. One that it does not have denies. */
  async #checkConfigured(policy: string, channel: ChannelBundle, subject: Subject): Promise<void> {
    const where = `during check policy [${policy}]`;
    const evaluated = channel.policies.has(policy)
      ? await channel.policies.get(policy).evaluate(signedDataOf(subject, where))
      : { ok: false as const, reason: `policy ${policy} not found` };
    if (!evaluated.ok) throw denied(`failed evaluating policy on signed data ${where}: [${evaluated.reason}]`);
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
