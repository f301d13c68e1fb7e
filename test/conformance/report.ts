import { fixtures } from '../fixtures.ts';

if (fixtures === undefined)
  console.log('conformance tests are skipped: there are no recorded fixtures here (set SELVAGE_FIXTURES to their folder)');

/** What a conformance test covered, and what it did not, by name and with the reason. */
export class Report {
  readonly #title: string;
  readonly #covered = new Map<string, number>();
  readonly #known = new Map<string, Set<string>>();
  readonly #skipped = new Map<string, Set<string>>();

  constructor(title: string) {
    this.#title = title;
  }

  /** Something was compared and is equal. */
  covered(what: string, count = 1): void {
    this.#covered.set(what, (this.#covered.get(what) ?? 0) + count);
  }

  /** Something was compared and differs in a way that a rule allows. */
  known(rule: string, name: string): void {
    add(this.#known, rule, name);
  }

  /** Something was not compared. */
  skipped(reason: string, name: string): void {
    add(this.#skipped, reason, name);
  }

  print(): void {
    const lines = [
      `conformance: ${this.#title}`,
      ...[...this.#covered].map(([what, count]) => `  equal: ${what}: ${count}`),
      ...listed('differs by rule', this.#known),
      ...listed('not covered', this.#skipped),
    ];
    console.log(lines.join('\n'));
  }
}

function add(groups: Map<string, Set<string>>, group: string, name: string): void {
  const names = groups.get(group) ?? new Set();
  groups.set(group, names.add(name));
}

const listed = (label: string, groups: ReadonlyMap<string, ReadonlySet<string>>): string[] =>
  [...groups].map(([group, names]) => `  ${label}: ${group} (${names.size}): ${shortened([...names])}`);

/** A name per file would fill the screen where a rule covers hundreds. */
function shortened(names: readonly string[]): string {
  const shown = names.slice(0, 40);
  return shown.join(', ') + (names.length > shown.length ? `, and ${names.length - shown.length} more` : '');
}
