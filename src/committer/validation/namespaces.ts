import { SelvageError } from '../../common/errors.ts';
import { isInvokableByChaincode, isInvokableByProposal, isSystemChaincode } from '../../lifecycle/system-chaincodes.ts';
import { protos } from '../../protos/messages.ts';
import type { DefinitionLookup } from '../definition-lookup.ts';
import type { BlockContext, ValidationPlugin } from '../plugins/validation-plugin.ts';
import type { Invocation } from './invocation.ts';
import { type Checked, failed, passed } from './outcome.ts';
import { writes } from './read-write-set.ts';
import type { ValidationRules } from './rules.ts';

const { ENDORSEMENT_POLICY_FAILURE, EXPIRED_CHAINCODE, ILLEGAL_WRITESET } = protos.TxValidationCode;

/** What it takes to judge the namespaces of one transaction. */
export interface NamespaceContext extends BlockContext {
  readonly index: number;
  readonly definitions: DefinitionLookup;
  readonly plugins: ReadonlyMap<string, ValidationPlugin>;
}

/**
 * Steps 16 to 20: every namespace that counts has a definition, and its plugin accepts the endorsements.
 * @throws {SelvageError} `CHANNEL_HALTED` when a definition names a plugin that this peer does not have: guessing would fork
 */
export async function checkNamespaces(invocation: Invocation, context: NamespaceContext): Promise<Checked<void>> {
  const illegal = context.rules.validator === 'v14' ? illegalWrites(invocation, context.rules) : undefined;
  if (illegal !== undefined) return failed(ILLEGAL_WRITESET, illegal, { chaincode: invocation.chaincode });
  for (const namespace of namespacesToCheck(invocation, context.rules)) {
    const checked = await checkNamespace(namespace, invocation, context);
    if (!checked.ok) return checked;
  }
  return passed(undefined);
}

async function checkNamespace(namespace: string, invocation: Invocation, context: NamespaceContext): Promise<Checked<void>> {
  const found = await context.definitions.find(namespace);
  if (!found.ok) return found;
  const definition = found.value;
  const { rules, index, changes, plugins } = context;
  if (rules.validator === 'v14' && namespace === invocation.chaincode && definition.version !== undefined) {
    if (definition.version !== invocation.version) return expired(invocation, definition.version);
  }
  const plugin = plugins.get(definition.plugin);
  if (plugin === undefined) {
    const details = { chaincode: namespace, plugin: definition.plugin };
    throw new SelvageError('CHANNEL_HALTED', `plugin with name ${definition.plugin} wasn't found`, { details });
  }
  const verdict = await plugin.validate({ ...context, invocation, definition });
  changes.settle(index, namespace, verdict.ok);
  return verdict.ok ? passed(undefined) : failed(ENDORSEMENT_POLICY_FAILURE, verdict.message, verdict.details);
}

function expired({ chaincode, version }: Invocation, committed: string): Checked<never> {
  const text = `chaincode ${chaincode}:${version} didn't match ${chaincode}:${committed} in lscc`;
  return failed(EXPIRED_CHAINCODE, text, { chaincode, endorsedVersion: version, committedVersion: committed });
}

/**
 * The invoked namespace and each one written. Up to 1.4, a system chaincode answers for all it wrote under its own name; below
 * `V1_2` the invoked namespace counts only when it was written, so that what only reads needs no endorsement at all.
 */
function namespacesToCheck({ chaincode, sets }: Invocation, rules: ValidationRules): readonly string[] {
  if (rules.validator === 'v14' && isSystemChaincode(chaincode)) return [chaincode];
  const written = sets.filter((set) => writes(set, rules)).map(({ namespace }) => namespace);
  if (rules.validator === 'v14' && !rules.capabilities.v12Validation) return written;
  return [chaincode, ...written.filter((namespace) => namespace !== chaincode)];
}

/** Steps 16 and 17: only `lscc` writes to `lscc`, and nobody writes to what nobody can invoke. */
function illegalWrites({ chaincode, sets }: Invocation, rules: ValidationRules): string | undefined {
  if (isSystemChaincode(chaincode)) {
    return isInvokableByProposal(chaincode) ? undefined : `committing an invocation of cc ${chaincode} is illegal`;
  }
  const written = sets.filter((set) => writes(set, rules)).map(({ namespace }) => namespace);
  if (written.includes('lscc')) return `chaincode ${chaincode} attempted to write to the namespace of LSCC`;
  if (!written.some((namespace) => isSystemChaincode(namespace) && !isInvokableByChaincode(namespace))) return undefined;
  return `chaincode ${chaincode} attempted to write to the namespace of a system chaincode that cannot be invoked`;
}
