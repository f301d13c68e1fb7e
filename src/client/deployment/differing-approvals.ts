import type { Cancellable } from '../../common/cancel.ts';
import { commitReadiness, type DefinitionSpec } from '../lifecycle-calls.ts';
import type { Caller } from '../system-calls.ts';
import { CHANNEL_POLICY, differences, type WholeDefinition } from './definition-differences.ts';

type Definition = DefinitionSpec & WholeDefinition;

/**
 * Finds out in what the approvals of organisations differ that have not approved a definition. Nobody can read what another one has
 * approved, but every peer says whether it is the same as what it is asked about: so it is asked about what was likely meant, one field as
 * it was before or as it is by default at a time.
 *
 * @param present the definition in force, if there is one
 * @returns MSP id to phrases for people; who approved nothing, or something else altogether, is not in it
 */
export async function differingApprovals(
  caller: Caller,
  definition: Definition,
  present: WholeDefinition | undefined,
  options: Cancellable,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const likely of likelyOf(definition, present)) {
    const { approvals } = await commitReadiness(caller, likely, options);
    for (const [mspId, approved] of approvals) if (approved && !found.has(mspId)) found.set(mspId, differences(likely, definition));
  }
  return found;
}

/** What else somebody may have approved under the same sequence. */
function likelyOf(definition: Definition, present: WholeDefinition | undefined): readonly Definition[] {
  const defaults = { endorsementPlugin: 'escc', validationPlugin: 'vscc', validationParameter: CHANNEL_POLICY, collections: undefined };
  const fields: readonly Partial<WholeDefinition>[] = [
    { initRequired: !definition.initRequired },
    ...single(defaults),
    ...(present === undefined ? [] : [...single(settingsOf(present)), settingsOf(present)]),
  ];
  return fields.map((field) => ({ ...definition, ...field })).filter((likely) => differences(likely, definition).length > 0);
}

const single = <T extends object>(fields: T): readonly Partial<T>[] =>
  Object.entries(fields).map(([name, value]) => Object.fromEntries([[name, value]]) as Partial<T>);

const settingsOf = ({ version, endorsementPlugin, validationPlugin, validationParameter, collections }: WholeDefinition) => ({
  version,
  endorsementPlugin,
  validationPlugin,
  validationParameter,
  collections,
});
