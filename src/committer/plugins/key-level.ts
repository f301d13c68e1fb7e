import { hex, sha256 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { hashedNamespace } from '../../ledger/simulator/private-namespaces.ts';
import { type EndorsementPolicy, evaluate, signaturePolicy } from '../../lifecycle/endorsement-policy.ts';
import type { SignedData } from '../../msp/policies/policy.ts';
import { kvrwset } from '../../protos/messages.ts';
import { type KeyName, latin1 } from '../validation/parameter-changes.ts';
import type { NamespaceSet } from '../validation/read-write-set.ts';
import { explainEndorsements } from './explain.ts';
import { accepted, type PluginRequest, type PluginVerdict, refused } from './validation-plugin.ts';

const VALIDATION_PARAMETER = 'VALIDATION_PARAMETER';

/**
 * Policies of keys over those of collections over that of the chaincode; each of the last two is judged at most once, and the
 * chaincode's at least when nothing else was.
 * @see baseEvaluator in hyperledger/fabric v2.5, core/common/validation/statebased/validator_keylevel.go, v13.go, v20.go
 */
export class KeyLevelEvaluation {
  readonly #request: PluginRequest;
  readonly #signed: readonly SignedData[];
  /** Collections whose own policy was satisfied; '' stands for the chaincode's policy. */
  readonly #satisfied = new Set<string>();
  /** Policies of keys that were satisfied, by their hash: many keys have the same. */
  readonly #satisfiedKeys = new Set<string>();
  #anythingJudged = false;

  constructor(request: PluginRequest, signed: readonly SignedData[]) {
    this.#request = request;
    this.#signed = signed;
  }

  async run(): Promise<PluginVerdict> {
    const { invocation, definition } = this.#request;
    for (const set of invocation.sets) {
      if (set.namespace !== definition.namespace) continue;
      for (const name of distinct(writtenKeys(set))) {
        const verdict = await this.#judgeKey(name);
        if (!verdict.ok) return verdict;
      }
    }
    return this.#anythingJudged ? accepted : this.#judgeChaincode();
  }

  async #judgeKey(name: KeyName): Promise<PluginVerdict> {
    const { changes, index, state } = this.#request;
    const changer = await changes.changedBefore(index, name);
    if (changer !== undefined) return refused(changedText(name, changer), { ...detailsOf(name), changedByIndex: changer });
    const found = await state.get(stateNamespace(name), name.key);
    const parameter = validationParameter(found?.metadata);
    if (parameter.length === 0) return this.#judgeWithoutKeyPolicy(name.collection);
    const policy = hex(sha256(parameter));
    if (this.#satisfiedKeys.has(policy)) return accepted;
    const verdict = await this.#judge(signaturePolicy(parameter), `validation of key ${printable(name)} failed`, detailsOf(name));
    if (!verdict.ok) return verdict;
    this.#satisfiedKeys.add(policy);
    this.#anythingJudged = true;
    return accepted;
  }

  async #judgeWithoutKeyPolicy(collection: string): Promise<PluginVerdict> {
    if (collection === '' || this.#request.rules.plugin !== 'v20') return this.#judgeChaincode();
    if (this.#satisfied.has(collection)) return accepted;
    const { definition } = this.#request;
    const policy = definition.collectionPolicy(collection);
    if (!policy.ok) return refused(policy.message, policy.details);
    if (policy.value === undefined) return this.#judgeChaincode();
    const text = `validation of endorsement policy for collection ${collection} chaincode ${definition.namespace} failed`;
    return this.#judgeOnce(collection, policy.value, text);
  }

  #judgeChaincode(): Promise<PluginVerdict> {
    const { namespace, policy } = this.#request.definition;
    return this.#judgeOnce('', policy, `validation of endorsement policy for chaincode ${namespace} failed`);
  }

  async #judgeOnce(collection: string, policy: EndorsementPolicy, text: string): Promise<PluginVerdict> {
    if (this.#satisfied.has(collection)) return accepted;
    const { namespace } = this.#request.definition;
    const verdict = await this.#judge(policy, text, collection === '' ? { namespace } : { namespace, collection });
    if (!verdict.ok) return verdict;
    this.#satisfied.add(collection);
    this.#anythingJudged = true;
    return accepted;
  }

  async #judge(policy: EndorsementPolicy, text: string, where: Readonly<Record<string, string>>): Promise<PluginVerdict> {
    const { bundle } = this.#request;
    const verdict = await evaluate(policy, this.#signed, bundle);
    if (verdict.ok) return accepted;
    return refused(`${text}: ${verdict.reason}`, { ...where, ...(await explainEndorsements(policy, this.#signed, bundle)) });
  }
}

/** In Fabric's order: public writes, public metadata, collections' writes, collections' metadata. */
function* writtenKeys({ namespace, public: { writes, metadataWrites }, collections }: NamespaceSet): Generator<KeyName> {
  for (const { key } of writes) yield { namespace, collection: '', key };
  for (const { key } of metadataWrites) yield { namespace, collection: '', key };
  for (const { name, hashed } of collections) {
    for (const { keyHash } of hashed.hashedWrites) yield { namespace, collection: name, key: latin1(keyHash) };
  }
  for (const { name, hashed } of collections) {
    for (const { keyHash } of hashed.metadataWrites) yield { namespace, collection: name, key: latin1(keyHash) };
  }
}

/** What is said of a key several times is judged once. */
function* distinct(names: Iterable<KeyName>): Generator<KeyName> {
  const seen = new Set<string>();
  for (const name of names) {
    const id = `${name.collection}\0${name.key}`;
    if (seen.has(id)) continue;
    seen.add(id);
    yield name;
  }
}

const stateNamespace = ({ namespace, collection }: KeyName): string =>
  collection === '' ? namespace : hashedNamespace(namespace, collection);

/** The last entry of that name counts, as in Go's map of them. @throws {SelvageError} `LEDGER_CORRUPT` */
function validationParameter(metadata: Uint8Array | undefined): Uint8Array {
  if (metadata === undefined) return new Uint8Array();
  try {
    const entries = kvrwset.KVMetadataWrite.decode(metadata).entries.filter(({ name }) => name === VALIDATION_PARAMETER);
    return entries.at(-1)?.value ?? new Uint8Array();
  } catch (cause) {
    throw new SelvageError('LEDGER_CORRUPT', 'the metadata of a key in the state does not parse', { cause });
  }
}

const changedText = (name: KeyName, changer: number): string =>
  `validation parameters for key ${printable(name)} have been changed in transaction ${changer} of this block`;

/** Private keys are hashes: hexadecimal for people. */
const shown = ({ collection, key }: KeyName): string => (collection === '' ? key : Buffer.from(key, 'latin1').toString('hex'));
const printable = (name: KeyName): string => `[${shown(name)}] in namespace [${name.namespace}:${name.collection}]`;
const detailsOf = (name: KeyName): Readonly<Record<string, string>> => ({
  namespace: name.namespace,
  ...(name.collection !== '' && { collection: name.collection }),
  key: shown(name),
});
