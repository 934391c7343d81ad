import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { Deploy } from '../config/index.ts';

/** Dockerfile of each image, in the folder that the build makes: the jobs on Fargate share one, those on a GPU another. */
const IMAGES = { cpu: 'cpu/Dockerfile', gpu: 'gpu/Dockerfile' } as const;

export type ImageName = keyof typeof IMAGES;

export interface ImagesProps {
  /** Of what runs on Fargate; hosts with an NVIDIA GPU are x64. */
  readonly architecture: Deploy['cpu']['architecture'];
  /** The Docker context. */
  readonly folder: string;
}

/** The images of the jobs: those that are asked for are built and pushed when the stack is deployed, never when it is synthesised. */
export class Images extends Construct {
  readonly #images = new Map<ImageName, ContainerImage>();
  readonly #props: ImagesProps;

  constructor(scope: Construct, id: string, props: ImagesProps) {
    super(scope, id);
    this.#props = props;
  }

  of(name: ImageName): ContainerImage {
    const known = this.#images.get(name);
    if (known) return known;
    const { folder, architecture } = this.#props;
    const image = ContainerImage.fromDockerImageAsset(
      new DockerImageAsset(this, name, {
        directory: folder,
        file: IMAGES[name],
        // Whatever machine deploys.
        platform: name === 'cpu' && architecture === 'arm64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
      }),
    );
    this.#images.set(name, image);
    return image;
  }
}
