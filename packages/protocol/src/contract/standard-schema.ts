/** The part of the Standard Schema interface (https://standardschema.dev, version 1) that contracts use; zod, valibot, arktype and others have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** Either a value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** What a schema takes. */
export type SchemaInput<S> = S extends StandardSchema<infer Input, unknown> ? Input : never;

/** What a schema gives. */
export type SchemaOutput<S> =
  S extends StandardSchema<never, infer Output> ? Output : S extends StandardSchema<infer _Input, infer Output> ? Output : never;
