//! hotshare-api
