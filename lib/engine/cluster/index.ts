export { ClusterError } from './errors.ts';
export { type KMeans, type KMeansOptions, kMeans, nearestCentre } from './k-means.ts';
export { matchCentres } from './match.ts';
export type { Points } from './points.ts';
export { silhouette } from './silhouette.ts';
