export interface Field {
  readonly name: string;
  readonly number: number;
  readonly kind: 'scalar' | 'message' | 'enum';
  readonly type: string;
  readonly repeated: boolean;
  readonly mapKey?: string;
  readonly presence?: boolean;
  readonly oneof?: number;
}

export interface Schema {
  readonly messages: Map<string, { readonly name: string; readonly fields: Field[] }>;
  readonly enums: Map<string, { readonly name: string; readonly values: Record<string, number> }>;
}

export function readSchema(packageFolder: string): Schema;
