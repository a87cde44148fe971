"""The only sockets: two small drivers that carry out the steps of a flow."""
