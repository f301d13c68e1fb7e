import type { Cancellable } from '../../common/cancel.ts';
import { isFolder } from './files.ts';
import { IMAGE_SETTINGS, IMAGE_VARIABLES, type ImageSettings, type ImageVariables, imageName } from './image-names.ts';
import { checkCodePackage, invalidPackage, type PackageRules } from './package-rules.ts';

export interface ImageParts {
  readonly images?: ImageSettings | undefined;
  readonly variables?: ImageVariables | undefined;
}

/** What platforms of all languages have in common: a folder of sources, rules for a package, and settings that name images. */
export abstract class LanguagePlatform {
  protected readonly images: ImageSettings;
  readonly #variables: ImageVariables;
  readonly #rules: PackageRules;

  constructor({ images = IMAGE_SETTINGS, variables = IMAGE_VARIABLES }: ImageParts, rules: PackageRules) {
    this.images = images;
    this.#variables = variables;
    this.#rules = rules;
  }

  /** An image as its setting names it, with the variables filled in. */
  protected image(setting: string): string {
    return imageName(setting, this.#variables);
  }

  async validateSpec(path: string): Promise<void> {
    if (!(await isFolder(path))) throw invalidPackage(`path to chaincode does not exist: ${path}`);
  }

  async validatePackage(codePackage: Uint8Array, options: Partial<Cancellable> = {}): Promise<void> {
    await checkCodePackage(codePackage, this.#rules, options);
  }
}
