/**
 * `nightjar-shop/infra`: the stacks for another CDK app, and the build of what they deploy. Needs `aws-cdk-lib` and
 * `constructs`, which are the app's own. docs/install.md has an example.
 */
export { type Built, buildPackages } from '../bin/build/index.ts';
export * from '../lib/infra/index.ts';
