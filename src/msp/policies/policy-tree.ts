import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import type { IdentityDeserializer } from '../identity.ts';
import type { FabricDialect } from './dialect.ts';
import { type IdentityPolicy, refusing } from './identity-policy.ts';
import { implicitMetaPolicy } from './implicit-meta-policy.ts';
import type { PolicyManager } from './policy.ts';
import { signaturePolicy } from './signature-policy.ts';

const TYPE = common.Policy_PolicyType;

/** A group of a channel configuration, as far as policies go: a decoded `common.ConfigGroup` is one. */
export interface PolicyGroup {
  readonly groups: ReadonlyMap<string, PolicyGroup>;
  readonly policies: ReadonlyMap<string, { readonly policy: common.Policy | undefined }>;
}

export interface PolicyTreeParts {
  readonly group: PolicyGroup;
  /** The MSPs that judge all identities of this channel. */
  readonly deserializer: IdentityDeserializer;
  /** Where `group` stands; the root of a channel's configuration is `/Channel`. */
  readonly path?: string;
  readonly dialect?: FabricDialect;
}

/**
 * The policies of a configuration, found by absolute path or by a name relative to this group (`Writers`, `Org1/Admins`).
 * @see NewManagerImpl in hyperledger/fabric v2.5, common/policies/manager.go
 */
export class PolicyTree implements PolicyManager {
  readonly #path: string;
  readonly #children = new Map<string, PolicyTree>();
  readonly #policies = new Map<string, IdentityPolicy>();

  /** @throws {SelvageError} `CONFIG_INVALID` for a policy that is absent, of an unknown type or malformed */
  constructor({ group, deserializer, path = '/Channel', dialect = '2.x' }: PolicyTreeParts) {
    this.#path = path;
    for (const [name, child] of group.groups) {
      this.#children.set(name, new PolicyTree({ group: child, deserializer, path: `${path}/${name}`, dialect }));
    }
    for (const [name, { policy }] of group.policies) {
      this.#policies.set(name, this.#build(name, policy, { deserializer, dialect }));
    }
  }

  get(path: string): IdentityPolicy {
    return this.#find(path) ?? refusing(`No such policy: '${path}'`);
  }

  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  sub(groups: readonly string[]): PolicyTree | undefined {
    const [first, ...rest] = groups;
    return first === undefined ? this : this.#children.get(first)?.sub(rest);
  }

  #find(path: string): IdentityPolicy | undefined {
    if (path.startsWith('/') && !path.startsWith(`${this.#path}/`)) return undefined;
    const relative = path.startsWith('/') ? path.slice(this.#path.length + 1) : path;
    const groups = relative.split('/');
    const name = groups.pop() ?? '';
    const tree = this.sub(groups);
    return tree === undefined ? undefined : tree.#policies.get(name);
  }

  #build(
    name: string,
    policy: common.Policy | undefined,
    { deserializer, dialect }: { readonly deserializer: IdentityDeserializer; readonly dialect: FabricDialect },
  ): IdentityPolicy {
    const where = `policy ${name} at path ${this.#path}`;
    if (policy === undefined) throw new SelvageError('CONFIG_INVALID', `${where} was nil`);
    try {
      if (policy.type === TYPE.SIGNATURE) return signaturePolicy(policy.value, deserializer);
      if (policy.type === TYPE.IMPLICIT_META) {
        const subPolicies = (wanted: string): IdentityPolicy[] => [...this.#children.values()].map((child) => child.get(wanted));
        return implicitMetaPolicy({ policy: policy.value, subPolicies, deserializer, dialect });
      }
    } catch (cause) {
      throw new SelvageError('CONFIG_INVALID', `initializing ${where} failed: ${SelvageError.from(cause).message}`, { cause });
    }
    throw new SelvageError('CONFIG_INVALID', `unknown policy type: ${policy.type}, for ${where}`);
  }
}
