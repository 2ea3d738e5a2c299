"""The face of the server: GraphQL, OAuth, hooks. Translates; decides nothing about settlement."""
